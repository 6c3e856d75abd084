CREATE TABLE `deleted_runs` (
	`key` integer PRIMARY KEY NOT NULL
);
--> statement-breakpoint
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
CREATE TABLE `run_documents` (
	`run` integer PRIMARY KEY NOT NULL,
	`config` text NOT NULL,
	`notes` text NOT NULL
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
CREATE INDEX `runs_by_arrival` ON `runs` (`last_arrival`);--> statement-breakpoint
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
