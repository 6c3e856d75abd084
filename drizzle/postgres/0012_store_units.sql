-- What write_units and write_unit do, with lists in the place of text: a unit takes the database about half as long to read.
-- Stores units of one or more runs in one transaction; p_run is any of the runs. Gives, for each unit, whether it was stored;
-- if not, its run has another version, and nothing of it was changed.
-- Of each unit, p_texts holds six: run, latest, health, conditions, parts, state of the detector ('': none). p_rates holds two:
-- rate and mean coefficient (NaN: none). p_numbers begins with the count of units, and of each holds 28 and then five lists:
--   0 count of its numbers, 1 bytes of its blobs, 2 version that it was computed from,
--   3 updated_at, last_arrival, points, 6 last_step (-1: none), nonfinite, over, judged, 10 window, current_streak,
--   longest_streak, 13 attention, merged_through, 15 version,
--   16 whether the record was restated, 17 newest batch left out, 18 leaves hold the batches up to this one, 19 older ones
--   than this are dropped then, 20 bytes of others that are kept, 21 state through (-1: unchanged), 22 stale,
--   23 counts of: batches, 24 removed leaves, 25 leaves, 26 removed pages, 27 pages
--   batches: seq, arrival, length; removed leaves: start; leaves: start, block, lengths of cells and of columns;
--   removed pages: block, first; pages: block, first, length.
-- p_blobs holds the blobs of these rows, unit by unit, in this order.
-- Several units hardly wait for a run that another transaction changes now, as the others would wait, too: all fail then.
-- Without a deadlock where the runs come in one order everywhere.
create function store_units(
  p_run text, p_numbers bigint[], p_rates double precision[], p_texts text[], p_blobs bytea
) returns boolean[] language plpgsql as $$
declare
  v_stored boolean[] := '{}';
  -- the numbers and texts of the run's row
  v record;
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
    -- first by themselves: an update on a shard cannot take elements of lists
    select p_numbers[n + 2] as base, p_numbers[n + 3] as updated_at, p_numbers[n + 4] as last_arrival,
      p_numbers[n + 5] as points, nullif(p_numbers[n + 6], -1) as last_step, p_numbers[n + 7] as nonfinite,
      p_numbers[n + 8] as over, p_numbers[n + 9] as judged, p_numbers[n + 10] as "window",
      p_numbers[n + 11] as current_streak, p_numbers[n + 12] as longest_streak, p_numbers[n + 13] as attention,
      p_numbers[n + 14] as merged_through, p_numbers[n + 15] as version, p_numbers[n + 16] = 1 as is_restated,
      nullif(p_rates[r + 1], 'NaN') as rate, nullif(p_rates[r + 2], 'NaN') as mean_coefficient,
      p_texts[t + 2] as latest, p_texts[t + 3] as health, p_texts[t + 4] as conditions, nullif(p_texts[t + 5], '') as parts
    into v;
    update runs set updated_at = v.updated_at, last_arrival = v.last_arrival, points = v.points, last_step = v.last_step,
      nonfinite = v.nonfinite, over = v.over, judged = v.judged, latest = v.latest, health = v.health,
      conditions = v.conditions, "window" = v."window", rate = v.rate, mean_coefficient = v.mean_coefficient,
      current_streak = v.current_streak, longest_streak = v.longest_streak, attention = v.attention,
      merged_through = v.merged_through, parts = v.parts, version = v.version,
      followed_since = greatest(followed_since, v_dropped),
      restated = case when v.is_restated then v.version else restated end,
      changed_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
    where id = v_run and version = v.base;
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
