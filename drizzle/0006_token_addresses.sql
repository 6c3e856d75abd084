ALTER TABLE `tokens` ADD `addresses` text;--> statement-breakpoint
ALTER TABLE `tokens` ADD `created_by` text;