-- A page of up to some kilobytes stays in its row: cheaper to write and to replace than a row and three pieces of it elsewhere.
alter table summaries set (toast_tuple_target = 8160);
--> statement-breakpoint
-- What store_units does, from the same lists, where runs are in no shards: an update may take elements of lists there, which are
-- not gathered before.
create function store_group(
  p_numbers bigint[], p_rates double precision[], p_texts text[], p_blobs bytea
) returns boolean[] language plpgsql as $$
declare
  v_stored boolean[] := '{}';
  v_run text;
  v_dropped bigint;
  v_blob bytea;
  -- where the unit begins in each list
  n integer := 2;
  t integer := 0;
  r integer := 0;
  b integer := 1;
  -- the next number, the next blob
  i integer;
  v_at integer;
begin
  if p_numbers[1] > 1 then
    perform set_config('lock_timeout', '100ms', true);
  end if;
  for v_unit in 1 .. p_numbers[1] loop
    v_run := p_texts[t + 1];
    v_dropped := p_numbers[n + 17];
    -- The batches that leaves hold, but for those that readers at other servers may not have read yet. Right if the version is.
    if p_numbers[n + 18] > 0 then
      select greatest(p_numbers[n + 17], max(seq)) into v_dropped from
        (select seq, arrived_at, sum(bytes) over (order by seq desc) as bytes from
          -- apart, or the sum would carry each batch along
          (select seq, arrived_at, octet_length(columns) as bytes from tail
           where run = v_run and seq <= p_numbers[n + 18] offset 0) as lengths) as old
      where bytes > p_numbers[n + 20] or arrived_at < p_numbers[n + 19];
    end if;
    update runs set updated_at = p_numbers[n + 3], last_arrival = p_numbers[n + 4], points = p_numbers[n + 5],
      last_step = nullif(p_numbers[n + 6], -1), nonfinite = p_numbers[n + 7], over = p_numbers[n + 8],
      judged = p_numbers[n + 9], latest = p_texts[t + 2], health = p_texts[t + 3], conditions = p_texts[t + 4],
      "window" = p_numbers[n + 10], rate = nullif(p_rates[r + 1], 'NaN'), mean_coefficient = nullif(p_rates[r + 2], 'NaN'),
      current_streak = p_numbers[n + 11], longest_streak = p_numbers[n + 12], attention = p_numbers[n + 13],
      merged_through = p_numbers[n + 14], parts = nullif(p_texts[t + 5], ''), version = p_numbers[n + 15],
      followed_since = greatest(followed_since, v_dropped),
      restated = case when p_numbers[n + 16] = 1 then p_numbers[n + 15] else restated end,
      changed_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
    where id = v_run and version = p_numbers[n + 2];
    v_stored := v_stored || found;
    if found then
      i := n + 28;
      v_at := b;
      if p_numbers[n + 18] > 0 and v_dropped > 0 then
        delete from tail where run = v_run and seq <= v_dropped;
      end if;
      for k in 1 .. p_numbers[n + 23] loop
        v_blob := substring(p_blobs from v_at for p_numbers[i + 2]::integer);
        insert into tail (run, seq, arrived_at, columns) values (v_run, p_numbers[i], p_numbers[i + 1], v_blob);
        v_at := v_at + p_numbers[i + 2];
        i := i + 3;
      end loop;
      if p_numbers[n + 21] >= 0 then
        insert into detections (run, state, through, stale)
        values (v_run, nullif(p_texts[t + 6], ''), p_numbers[n + 21], p_numbers[n + 22])
        on conflict (run) do update set state = excluded.state, through = excluded.through, stale = excluded.stale;
      end if;
      if p_numbers[n + 24] > 0 then
        delete from leaves where run = v_run and start = any(p_numbers[i : i + p_numbers[n + 24] - 1]);
        i := i + p_numbers[n + 24];
      end if;
      for k in 1 .. p_numbers[n + 25] loop
        v_blob := substring(p_blobs from v_at + p_numbers[i + 2]::integer for p_numbers[i + 3]::integer);
        insert into leaves (run, start, block, cells, columns)
        values (v_run, p_numbers[i], p_numbers[i + 1], substring(p_blobs from v_at for p_numbers[i + 2]::integer), v_blob);
        v_at := v_at + p_numbers[i + 2] + p_numbers[i + 3];
        i := i + 4;
      end loop;
      for k in 1 .. p_numbers[n + 26] loop
        delete from summaries where run = v_run and block = p_numbers[i] and first = p_numbers[i + 1];
        i := i + 2;
      end loop;
      for k in 1 .. p_numbers[n + 27] loop
        v_blob := substring(p_blobs from v_at for p_numbers[i + 2]::integer);
        insert into summaries (run, block, first, page) values (v_run, p_numbers[i], p_numbers[i + 1], v_blob)
        on conflict (run, block, first) do update set page = excluded.page;
        v_at := v_at + p_numbers[i + 2];
        i := i + 3;
      end loop;
    end if;
    b := b + p_numbers[n + 1];
    n := n + p_numbers[n];
    t := t + 6;
    r := r + 2;
  end loop;
  return v_stored;
end
$$;
