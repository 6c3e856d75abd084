CREATE TABLE "channels" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"kind" text collate "C" NOT NULL,
	"url" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"project" text collate "C",
	"kinds" text collate "C",
	"min_severity" text collate "C" NOT NULL,
	"text" text collate "C",
	"tag" text collate "C",
	"remind_hours" double precision,
	"enabled" boolean NOT NULL,
	"disabled_reason" text collate "C",
	"secret" text collate "C",
	"old_secret" text collate "C",
	"old_secret_until" bigint,
	"failing_since" bigint,
	"failing_error" text collate "C",
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"key" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "deliveries_key_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"id" text collate "C" NOT NULL,
	"channel" text collate "C" NOT NULL,
	"state" text collate "C" NOT NULL,
	"hold" text collate "C",
	"due_at" bigint NOT NULL,
	"leased_until" bigint NOT NULL,
	"tries" integer NOT NULL,
	"event_count" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"last_try_at" bigint,
	"status" integer,
	"error" text collate "C",
	"response" text collate "C",
	CONSTRAINT "deliveries_id_unique" UNIQUE("id")
);
--> statement-breakpoint
CREATE TABLE "delivery_events" (
	"key" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "delivery_events_key_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"delivery" bigint NOT NULL,
	"channel" text collate "C" NOT NULL,
	"finding" text collate "C" NOT NULL,
	"run" text collate "C" NOT NULL,
	"type" text collate "C" NOT NULL,
	"at" bigint NOT NULL,
	"finding_record" text collate "C" NOT NULL,
	"run_record" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "detections" (
	"run" text collate "C" PRIMARY KEY NOT NULL,
	"state" text collate "C",
	"through" bigint NOT NULL,
	"stale" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "findings" (
	"run" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"key" bigint GENERATED ALWAYS AS IDENTITY (sequence name "findings_key_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"part" text collate "C",
	"kind" text collate "C" NOT NULL,
	"severity" text collate "C" NOT NULL,
	"state" text collate "C" NOT NULL,
	"opened_step" bigint,
	"onset" bigint,
	"opened_at" bigint NOT NULL,
	"closed_step" bigint,
	"closed_at" bigint,
	"close_reason" text collate "C",
	"evidence" text collate "C" NOT NULL,
	"diagnosis" text collate "C" NOT NULL,
	"explanation" text collate "C",
	CONSTRAINT "findings_run_id_pk" PRIMARY KEY("run","id")
);
--> statement-breakpoint
CREATE TABLE "leaves" (
	"run" text collate "C" NOT NULL,
	"start" bigint NOT NULL,
	"block" integer NOT NULL,
	"cells" "bytea" NOT NULL,
	"columns" "bytea" NOT NULL,
	CONSTRAINT "leaves_run_start_block_pk" PRIMARY KEY("run","start","block")
);
--> statement-breakpoint
CREATE TABLE "metrics" (
	"run" text collate "C" NOT NULL,
	"number" integer NOT NULL,
	"name" text collate "C" NOT NULL,
	CONSTRAINT "metrics_run_number_pk" PRIMARY KEY("run","number")
);
--> statement-breakpoint
CREATE TABLE "mutes" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"run" text collate "C",
	"project" text collate "C",
	"kind" text collate "C",
	"until" bigint NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "project_settings" (
	"project" text collate "C" PRIMARY KEY NOT NULL,
	"overrides" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_documents" (
	"run" text collate "C" PRIMARY KEY NOT NULL,
	"config" text collate "C" NOT NULL,
	"notes" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_events" (
	"run" text collate "C" NOT NULL,
	"step" bigint NOT NULL,
	"label" text collate "C" NOT NULL,
	"time" double precision NOT NULL,
	"text" text collate "C",
	CONSTRAINT "run_events_run_step_label_pk" PRIMARY KEY("run","step","label")
);
--> statement-breakpoint
CREATE TABLE "run_settings" (
	"run" text collate "C" PRIMARY KEY NOT NULL,
	"overrides" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"key" bigint GENERATED ALWAYS AS IDENTITY (sequence name "runs_key_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"project" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"status" text collate "C" NOT NULL,
	"clip" text collate "C" NOT NULL,
	"optimizer" text collate "C",
	"tags" text collate "C" NOT NULL,
	"search" text collate "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"ended_at" bigint,
	"last_arrival" bigint NOT NULL,
	"points" bigint NOT NULL,
	"last_step" bigint,
	"nonfinite" bigint NOT NULL,
	"over" bigint NOT NULL,
	"judged" bigint NOT NULL,
	"latest" text collate "C" NOT NULL,
	"health" text collate "C" NOT NULL,
	"conditions" text collate "C" NOT NULL,
	"window" bigint NOT NULL,
	"rate" double precision,
	"mean_coefficient" double precision,
	"current_streak" bigint NOT NULL,
	"longest_streak" bigint NOT NULL,
	"attention" integer NOT NULL,
	"merged_through" bigint NOT NULL,
	"parts" text collate "C",
	"version" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"hash" text collate "C" PRIMARY KEY NOT NULL,
	"token" text collate "C" NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "summaries" (
	"run" text collate "C" NOT NULL,
	"block" integer NOT NULL,
	"first" bigint NOT NULL,
	"page" "bytea" NOT NULL,
	CONSTRAINT "summaries_run_block_first_pk" PRIMARY KEY("run","block","first")
);
--> statement-breakpoint
CREATE TABLE "tail" (
	"run" text collate "C" NOT NULL,
	"seq" bigint NOT NULL,
	"arrived_at" bigint NOT NULL,
	"columns" "bytea" NOT NULL,
	CONSTRAINT "tail_run_seq_pk" PRIMARY KEY("run","seq")
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"hash" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"scope" text collate "C" NOT NULL,
	"project" text collate "C",
	"created_at" bigint NOT NULL,
	"expires_at" bigint,
	"revoked_at" bigint,
	"last_used_at" bigint,
	CONSTRAINT "tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE INDEX "deliveries_pending" ON "deliveries" USING btree ("channel","due_at","leased_until") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "deliveries_by_channel" ON "deliveries" USING btree ("channel","key");--> statement-breakpoint
CREATE INDEX "deliveries_by_creation" ON "deliveries" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "delivery_events_once" ON "delivery_events" USING btree ("finding","channel","type");--> statement-breakpoint
CREATE INDEX "delivery_events_of" ON "delivery_events" USING btree ("delivery","key");--> statement-breakpoint
CREATE INDEX "delivery_events_by_run" ON "delivery_events" USING btree ("run","delivery");--> statement-breakpoint
CREATE INDEX "findings_unexplained" ON "findings" USING btree ("key") WHERE explanation is null;--> statement-breakpoint
CREATE INDEX "findings_by_id" ON "findings" USING btree ("id");--> statement-breakpoint
CREATE INDEX "findings_by_opening" ON "findings" USING btree ("opened_at","key");--> statement-breakpoint
CREATE INDEX "findings_by_run" ON "findings" USING btree ("run","opened_at","key");--> statement-breakpoint
CREATE INDEX "findings_open" ON "findings" USING btree ("opened_at","key") WHERE state = 'open';--> statement-breakpoint
CREATE INDEX "runs_by_attention" ON "runs" USING btree ("attention","created_at" DESC NULLS FIRST,"key" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "runs_by_creation" ON "runs" USING btree ("created_at","key");--> statement-breakpoint
CREATE INDEX "runs_by_name" ON "runs" USING btree ("name","key" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "runs_by_project" ON "runs" USING btree ("project");--> statement-breakpoint
CREATE INDEX "runs_running" ON "runs" USING btree ("created_at","key") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "sessions_by_token" ON "sessions" USING btree ("token");--> statement-breakpoint
CREATE INDEX "sessions_by_end" ON "sessions" USING btree ("expires_at");