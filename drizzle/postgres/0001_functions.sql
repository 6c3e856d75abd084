-- The blobs are compressed already.
alter table leaves alter column columns set storage external, alter column cells set storage external;
--> statement-breakpoint
alter table tail alter column columns set storage external;
--> statement-breakpoint
alter table summaries alter column page set storage external;
--> statement-breakpoint
-- Room in each page for the next version of its rows, so that an append rewrites no index.
alter table runs set (fillfactor = 60);
--> statement-breakpoint
-- What an append does, in one call: it moves the run from the version it was judged upon to the next, and adds its batches,
-- whose columns lie one behind the other in p_columns. False, and nothing is changed: the run has another version by now.
create function append_batches(
  p_run text, p_base bigint, p_updated_at bigint, p_last_arrival bigint, p_points bigint, p_last_step bigint,
  p_nonfinite bigint, p_over bigint, p_judged bigint, p_latest text, p_health text, p_conditions text, p_window bigint,
  p_rate double precision, p_mean_coefficient double precision, p_current_streak bigint, p_longest_streak bigint,
  p_attention integer, p_merged_through bigint, p_parts text, p_version bigint,
  p_seqs bigint[], p_arrivals bigint[], p_lengths integer[], p_columns bytea
) returns boolean language plpgsql as $$
declare
  p_from integer := 1;
begin
  update runs set updated_at = p_updated_at, last_arrival = p_last_arrival, points = p_points, last_step = p_last_step,
    nonfinite = p_nonfinite, over = p_over, judged = p_judged, latest = p_latest, health = p_health,
    conditions = p_conditions, "window" = p_window, rate = p_rate, mean_coefficient = p_mean_coefficient,
    current_streak = p_current_streak, longest_streak = p_longest_streak, attention = p_attention,
    merged_through = p_merged_through, parts = p_parts, version = p_version
  where id = p_run and version = p_base;
  if not found then
    return false;
  end if;
  for i in 1 .. cardinality(p_seqs) loop
    insert into tail (run, seq, arrived_at, columns)
    values (p_run, p_seqs[i], p_arrivals[i], substring(p_columns from p_from for p_lengths[i]));
    p_from := p_from + p_lengths[i];
  end loop;
  return true;
end
$$;
