CREATE TABLE "project_limits" (
	"project" text collate "C" PRIMARY KEY NOT NULL,
	"max_runs" bigint,
	"max_points" bigint
);
