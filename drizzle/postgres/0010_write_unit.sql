-- A batch of up to a page stays in its row: cheaper to write and to remove than a row and three pieces of it elsewhere.
alter table tail set (toast_tuple_target = 8160);
--> statement-breakpoint
-- Compressing the detector's state costs more than writing it.
alter table detections alter column state set storage external;
--> statement-breakpoint
-- What a unit does, in one call: it moves the run from the version it was judged upon to the next, adds its batches, and
-- writes the leaves, the pages of summaries and the state of the detector that it changed. False, and nothing is changed:
-- the run has another version by now. A list holds several numbers per row: p_batches seq, arrival, length; p_leaves start,
-- block, lengths of cells and of columns; p_removed_pages block, first; p_pages block, first, length. p_blobs holds the blobs
-- of these rows in this order. p_through is null where the detector's state has not changed.
create function write_unit(
  p_run text, p_base bigint, p_updated_at bigint, p_last_arrival bigint, p_points bigint, p_last_step bigint,
  p_nonfinite bigint, p_over bigint, p_judged bigint, p_latest text, p_health text, p_conditions text, p_window bigint,
  p_rate double precision, p_mean_coefficient double precision, p_current_streak bigint, p_longest_streak bigint,
  p_attention integer, p_merged_through bigint, p_parts text, p_version bigint,
  p_is_restated boolean, p_left_out bigint, p_tail_through bigint, p_kept_since bigint, p_kept_bytes bigint,
  p_state text, p_through bigint, p_stale integer,
  p_removed_leaves bigint[], p_removed_pages bigint[], p_batches bigint[], p_leaves bigint[], p_pages bigint[], p_blobs bytea
) returns boolean language plpgsql as $$
declare
  v_at integer := 1;
  v_dropped bigint := p_left_out;
begin
  -- The batches that leaves hold, but for those that readers at other servers may not have read yet. Right if the version is.
  if p_tail_through > 0 then
    select greatest(p_left_out, max(seq)) into v_dropped from
      (select seq, arrived_at, sum(octet_length(columns)) over (order by seq desc) as bytes
       from tail where run = p_run and seq <= p_tail_through) as old
    where bytes > p_kept_bytes or arrived_at < p_kept_since;
  end if;
  update runs set updated_at = p_updated_at, last_arrival = p_last_arrival, points = p_points, last_step = p_last_step,
    nonfinite = p_nonfinite, over = p_over, judged = p_judged, latest = p_latest, health = p_health,
    conditions = p_conditions, "window" = p_window, rate = p_rate, mean_coefficient = p_mean_coefficient,
    current_streak = p_current_streak, longest_streak = p_longest_streak, attention = p_attention,
    merged_through = p_merged_through, parts = p_parts, version = p_version,
    followed_since = greatest(followed_since, v_dropped),
    restated = case when p_is_restated then p_version else restated end,
    changed_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
  where id = p_run and version = p_base;
  if not found then
    return false;
  end if;
  if p_tail_through > 0 and v_dropped > 0 then
    delete from tail where run = p_run and seq <= v_dropped;
  end if;
  for i in 1 .. cardinality(p_batches) by 3 loop
    insert into tail (run, seq, arrived_at, columns)
    values (p_run, p_batches[i], p_batches[i + 1], substring(p_blobs from v_at for p_batches[i + 2]::integer));
    v_at := v_at + p_batches[i + 2];
  end loop;
  if p_through is not null then
    insert into detections (run, state, through, stale) values (p_run, p_state, p_through, p_stale)
    on conflict (run) do update set state = excluded.state, through = excluded.through, stale = excluded.stale;
  end if;
  if cardinality(p_removed_leaves) > 0 then
    delete from leaves where run = p_run and start = any(p_removed_leaves);
  end if;
  for i in 1 .. cardinality(p_leaves) by 4 loop
    insert into leaves (run, start, block, cells, columns)
    values (p_run, p_leaves[i], p_leaves[i + 1], substring(p_blobs from v_at for p_leaves[i + 2]::integer),
      substring(p_blobs from v_at + p_leaves[i + 2]::integer for p_leaves[i + 3]::integer));
    v_at := v_at + p_leaves[i + 2] + p_leaves[i + 3];
  end loop;
  for i in 1 .. cardinality(p_removed_pages) by 2 loop
    delete from summaries where run = p_run and block = p_removed_pages[i] and first = p_removed_pages[i + 1];
  end loop;
  for i in 1 .. cardinality(p_pages) by 3 loop
    insert into summaries (run, block, first, page)
    values (p_run, p_pages[i], p_pages[i + 1], substring(p_blobs from v_at for p_pages[i + 2]::integer))
    on conflict (run, block, first) do update set page = excluded.page;
    v_at := v_at + p_pages[i + 2];
  end loop;
  return true;
end
$$;
