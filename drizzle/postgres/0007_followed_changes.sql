CREATE TABLE "removed_runs" (
	"run" text collate "C" NOT NULL,
	"at" bigint DEFAULT (extract(epoch from clock_timestamp()) * 1000)::bigint NOT NULL,
	"project" text collate "C" NOT NULL,
	CONSTRAINT "removed_runs_run_at_pk" PRIMARY KEY("run","at")
);
--> statement-breakpoint
ALTER TABLE "findings" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "run_events" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "changed_at" bigint DEFAULT (extract(epoch from clock_timestamp()) * 1000)::bigint NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "restated" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "followed_since" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "findings_by_version" ON "findings" USING btree ("run","version");--> statement-breakpoint
CREATE INDEX "run_events_by_version" ON "run_events" USING btree ("run","version");--> statement-breakpoint
-- Of the batches of before, the tail holds only those that leaves did not.
update runs set followed_since = version;
--> statement-breakpoint
create or replace function append_batches(
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
    merged_through = p_merged_through, parts = p_parts, version = p_version,
    changed_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
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
