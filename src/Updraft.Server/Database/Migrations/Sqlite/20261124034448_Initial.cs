using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "agents",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    instance_id = table.Column<string>(type: "TEXT", nullable: false),
                    host = table.Column<string>(type: "TEXT", nullable: false),
                    component = table.Column<string>(type: "TEXT", nullable: false),
                    agent_version = table.Column<string>(type: "TEXT", nullable: false),
                    enrolled_at = table.Column<long>(type: "INTEGER", nullable: false),
                    last_seen_at = table.Column<long>(type: "INTEGER", nullable: false),
                    revision = table.Column<long>(type: "INTEGER", nullable: false),
                    phase = table.Column<string>(type: "TEXT", nullable: true),
                    active_revision = table.Column<long>(type: "INTEGER", nullable: false),
                    mounts = table.Column<string>(type: "TEXT", nullable: false),
                    message = table.Column<string>(type: "TEXT", nullable: true),
                    reported_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_agents", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "api_tokens",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    organization_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    workspace_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    role = table.Column<string>(type: "TEXT", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: false),
                    hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    short_token = table.Column<string>(type: "TEXT", nullable: false),
                    is_signed = table.Column<bool>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    expires_at = table.Column<long>(type: "INTEGER", nullable: true),
                    expiry_period_in_days = table.Column<int>(type: "INTEGER", nullable: true),
                    revoked_at = table.Column<long>(type: "INTEGER", nullable: true),
                    last_used_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_api_tokens", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "bundle_contents",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    content = table.Column<byte[]>(type: "BLOB", nullable: false),
                    pack_id = table.Column<string>(type: "TEXT", nullable: false),
                    offset = table.Column<long>(type: "INTEGER", nullable: false),
                    length = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundle_contents", x => new { x.deployment_id, x.content });
                });

            migrationBuilder.CreateTable(
                name: "bundle_versions",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    version = table.Column<string>(type: "TEXT", nullable: false),
                    deploy_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    purpose = table.Column<string>(type: "TEXT", nullable: false),
                    manifest_digest = table.Column<byte[]>(type: "BLOB", nullable: false),
                    pack_id = table.Column<string>(type: "TEXT", nullable: true),
                    files = table.Column<int>(type: "INTEGER", nullable: false),
                    bytes = table.Column<long>(type: "INTEGER", nullable: false),
                    has_dags_folder = table.Column<bool>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundle_versions", x => new { x.deployment_id, x.version });
                });

            migrationBuilder.CreateTable(
                name: "deployments",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    organization_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    workspace_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: true),
                    @namespace = table.Column<string>(name: "namespace", type: "TEXT", nullable: false),
                    is_dag_deploy_enabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    is_cicd_enforced = table.Column<bool>(type: "INTEGER", nullable: false),
                    runtime_version = table.Column<string>(type: "TEXT", nullable: false),
                    airflow_version = table.Column<string>(type: "TEXT", nullable: false),
                    settings = table.Column<string>(type: "TEXT", nullable: false),
                    revision = table.Column<long>(type: "INTEGER", nullable: false),
                    deploy_count = table.Column<long>(type: "INTEGER", nullable: false),
                    last_version_ticks = table.Column<long>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_by = table.Column<string>(type: "TEXT", nullable: false),
                    deleted_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deployments", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "deploys",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    number = table.Column<long>(type: "INTEGER", nullable: false),
                    type = table.Column<string>(type: "TEXT", nullable: false),
                    status = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: true),
                    git = table.Column<string>(type: "TEXT", nullable: true),
                    bundle_mount_path = table.Column<string>(type: "TEXT", nullable: true),
                    bundle_type = table.Column<string>(type: "TEXT", nullable: true),
                    image_repository = table.Column<string>(type: "TEXT", nullable: false),
                    image_tag = table.Column<string>(type: "TEXT", nullable: false),
                    is_dag_deploy_enabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    finalized_version = table.Column<string>(type: "TEXT", nullable: true),
                    revision = table.Column<long>(type: "INTEGER", nullable: true),
                    rollback_from_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_by = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deploys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "organizations",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_by = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_organizations", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "revisions",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    number = table.Column<long>(type: "INTEGER", nullable: false),
                    deploy_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    image_repository = table.Column<string>(type: "TEXT", nullable: false),
                    image_tag = table.Column<string>(type: "TEXT", nullable: false),
                    image_digest = table.Column<string>(type: "TEXT", nullable: true),
                    runtime_version = table.Column<string>(type: "TEXT", nullable: false),
                    airflow_version = table.Column<string>(type: "TEXT", nullable: false),
                    is_dag_deploy_enabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    mounts = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_revisions", x => new { x.deployment_id, x.number });
                });

            migrationBuilder.CreateTable(
                name: "upload_slots",
                columns: table => new
                {
                    deploy_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    purpose = table.Column<string>(type: "TEXT", nullable: false),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    closed_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_upload_slots", x => new { x.deploy_id, x.purpose });
                });

            migrationBuilder.CreateTable(
                name: "workspaces",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    organization_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: true),
                    cicd_enforced_default = table.Column<bool>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_by = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workspaces", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_agents_deployment_id_instance_id",
                table: "agents",
                columns: new[] { "deployment_id", "instance_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_api_tokens_hash",
                table: "api_tokens",
                column: "hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_api_tokens_organization_id_deployment_id",
                table: "api_tokens",
                columns: new[] { "organization_id", "deployment_id" });

            migrationBuilder.CreateIndex(
                name: "ix_bundle_versions_deployment_id_manifest_digest",
                table: "bundle_versions",
                columns: new[] { "deployment_id", "manifest_digest" });

            migrationBuilder.CreateIndex(
                name: "ix_deployments_namespace",
                table: "deployments",
                column: "namespace",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_deployments_organization_id_workspace_id",
                table: "deployments",
                columns: new[] { "organization_id", "workspace_id" });

            migrationBuilder.CreateIndex(
                name: "ix_deployments_workspace_id_name",
                table: "deployments",
                columns: new[] { "workspace_id", "name" },
                unique: true,
                filter: "deleted_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_number",
                table: "deploys",
                columns: new[] { "deployment_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_upload_slots_closed_at",
                table: "upload_slots",
                column: "closed_at");

            migrationBuilder.CreateIndex(
                name: "ix_upload_slots_created_at",
                table: "upload_slots",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ix_workspaces_organization_id_name",
                table: "workspaces",
                columns: new[] { "organization_id", "name" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "agents");

            migrationBuilder.DropTable(
                name: "api_tokens");

            migrationBuilder.DropTable(
                name: "bundle_contents");

            migrationBuilder.DropTable(
                name: "bundle_versions");

            migrationBuilder.DropTable(
                name: "deployments");

            migrationBuilder.DropTable(
                name: "deploys");

            migrationBuilder.DropTable(
                name: "organizations");

            migrationBuilder.DropTable(
                name: "revisions");

            migrationBuilder.DropTable(
                name: "upload_slots");

            migrationBuilder.DropTable(
                name: "workspaces");
        }
    }
}
