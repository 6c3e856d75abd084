CREATE TABLE `audit` (
	`number` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor_id` text,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`target_kind` text NOT NULL,
	`target` text,
	`project` text,
	`address` text,
	`detail` text,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_by_action` ON `audit` (`action`,`number`);--> statement-breakpoint
CREATE INDEX `audit_by_project` ON `audit` (`project`,`number`);--> statement-breakpoint
CREATE TABLE `audit_head` (
	`one` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`hash` text NOT NULL,
	`anchor` integer NOT NULL,
	`anchor_hash` text NOT NULL
);
