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
CREATE TABLE `mutes` (
	`id` text PRIMARY KEY NOT NULL,
	`run` text,
	`project` text,
	`kind` text,
	`until` integer NOT NULL,
	`created_at` integer NOT NULL
);
