-- Of findings of a kind and part that were open at once, which no version is known to have made, the newest stays open.
UPDATE findings SET state = 'closed', closed_at = opened_at, close_reason = 'settings_changed'
WHERE state = 'open' AND EXISTS (
  SELECT 1 FROM findings later WHERE later.run = findings.run AND later.kind = findings.kind
  AND coalesce(later.part, '') = coalesce(findings.part, '') AND later.state = 'open' AND later.key > findings.key
);
--> statement-breakpoint
CREATE UNIQUE INDEX `findings_open_once` ON `findings` (`run`,`kind`,coalesce(part, '')) WHERE state = 'open';