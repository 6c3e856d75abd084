ALTER TABLE `findings` ADD `explanation` text;--> statement-breakpoint
UPDATE `findings` SET `explanation` = '{}' WHERE `state` = 'closed';--> statement-breakpoint
CREATE INDEX `findings_unexplained` ON `findings` (`key`) WHERE explanation is null;