CREATE TABLE `used_states` (
	`state` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `sessions` ADD `opened_at` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `person` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `id_token` text;