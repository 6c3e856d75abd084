CREATE TABLE `channels` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`url` text NOT NULL,
	`name` text NOT NULL,
	`project` text,
	`kinds` text,
	`min_severity` text NOT NULL,
	`text` text,
	`tag` text,
	`remind_hours` real,
	`enabled` integer NOT NULL,
	`disabled_reason` text,
	`secret` text,
	`old_secret` text,
	`old_secret_until` integer,
	`failing_since` integer,
	`failing_error` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `deleted_runs` (
	`key` integer PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`key` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`channel` text NOT NULL,
	`state` text NOT NULL,
	`hold` text,
	`due_at` integer NOT NULL,
	`leased_until` integer NOT NULL,
	`tries` integer NOT NULL,
	`event_count` integer NOT NULL,
	`created_at` integer NOT NULL,
	`last_try_at` integer,
	`status` integer,
	`error` text,
	`response` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_id_unique` ON `deliveries` (`id`);--> statement-breakpoint
CREATE INDEX `deliveries_pending` ON `deliveries` (`channel`,`due_at`,`leased_until`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `deliveries_by_channel` ON `deliveries` (`channel`,`key`);--> statement-breakpoint
CREATE INDEX `deliveries_by_creation` ON `deliveries` (`created_at`);--> statement-breakpoint
CREATE TABLE `delivery_events` (
	`key` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`delivery` integer NOT NULL,
	`channel` text NOT NULL,
	`finding` text NOT NULL,
	`run` text NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`finding_record` text NOT NULL,
	`run_record` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `delivery_events_once` ON `delivery_events` (`finding`,`channel`,`type`);--> statement-breakpoint
CREATE INDEX `delivery_events_of` ON `delivery_events` (`delivery`,`key`);--> statement-breakpoint
CREATE INDEX `delivery_events_by_run` ON `delivery_events` (`run`,`delivery`);--> statement-breakpoint
CREATE TABLE `detections` (
	`run` integer PRIMARY KEY NOT NULL,
	`state` text,
	`through` integer NOT NULL,
	`stale` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `findings` (
	`key` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`run` integer NOT NULL,
	`kind` text NOT NULL,
	`severity` text NOT NULL,
	`state` text NOT NULL,
	`opened_step` integer,
	`opened_at` integer NOT NULL,
	`closed_step` integer,
	`closed_at` integer,
	`close_reason` text,
	`evidence` text NOT NULL,
	`diagnosis` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `findings_id_unique` ON `findings` (`id`);--> statement-breakpoint
CREATE INDEX `findings_by_opening` ON `findings` (`opened_at`,`key`);--> statement-breakpoint
CREATE INDEX `findings_by_run` ON `findings` (`run`,`opened_at`,`key`);--> statement-breakpoint
CREATE TABLE `leaves` (
	`rowid` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`start` integer NOT NULL,
	`block` integer NOT NULL,
	`cells` blob NOT NULL,
	`columns` blob NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `leaves_by_start` ON `leaves` (`run`,`start`,`block`);--> statement-breakpoint
CREATE TABLE `metrics` (
	`run` integer NOT NULL,
	`number` integer NOT NULL,
	`name` text NOT NULL,
	PRIMARY KEY(`run`, `number`)
);
--> statement-breakpoint
CREATE TABLE `mutes` (
	`id` text PRIMARY KEY NOT NULL,
	`run` text,
	`project` text,
	`kind` text,
	`until` integer NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `project_settings` (
	`project` text PRIMARY KEY NOT NULL,
	`overrides` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `run_documents` (
	`run` integer PRIMARY KEY NOT NULL,
	`config` text NOT NULL,
	`notes` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `run_settings` (
	`run` integer PRIMARY KEY NOT NULL,
	`overrides` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `runs` (
	`key` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`project` text NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`clip` text NOT NULL,
	`optimizer` text,
	`tags` text NOT NULL,
	`search` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`ended_at` integer,
	`last_arrival` integer NOT NULL,
	`points` integer NOT NULL,
	`last_step` integer,
	`nonfinite` integer NOT NULL,
	`over` integer NOT NULL,
	`judged` integer NOT NULL,
	`latest` text NOT NULL,
	`health` text NOT NULL,
	`conditions` text NOT NULL,
	`window` integer NOT NULL,
	`rate` real,
	`mean_coefficient` real,
	`current_streak` integer NOT NULL,
	`longest_streak` integer NOT NULL,
	`attention` integer NOT NULL,
	`merged_through` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `runs_id_unique` ON `runs` (`id`);--> statement-breakpoint
CREATE INDEX `runs_by_attention` ON `runs` (`attention`,created_at desc,key desc);--> statement-breakpoint
CREATE INDEX `runs_by_creation` ON `runs` (`created_at`,`key`);--> statement-breakpoint
CREATE INDEX `runs_by_update` ON `runs` (`updated_at`,`key`);--> statement-breakpoint
CREATE INDEX `runs_by_name` ON `runs` (`name`,key desc);--> statement-breakpoint
CREATE INDEX `runs_by_project` ON `runs` (`project`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`hash` text PRIMARY KEY NOT NULL,
	`token` text NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sessions_by_token` ON `sessions` (`token`);--> statement-breakpoint
CREATE INDEX `sessions_by_end` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `summaries` (
	`rowid` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`block` integer NOT NULL,
	`first` integer NOT NULL,
	`page` blob NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `summaries_by_first` ON `summaries` (`run`,`block`,`first`);--> statement-breakpoint
CREATE TABLE `tail` (
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`arrived_at` integer NOT NULL,
	`columns` blob NOT NULL,
	PRIMARY KEY(`run`, `seq`)
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`name` text NOT NULL,
	`scope` text NOT NULL,
	`project` text,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_hash_unique` ON `tokens` (`hash`);