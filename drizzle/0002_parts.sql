ALTER TABLE `findings` ADD `part` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `parts` text;