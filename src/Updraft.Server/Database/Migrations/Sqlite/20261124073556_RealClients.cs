using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class RealClients : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "default_cloud_provider",
                table: "workspaces",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "default_cluster_id",
                table: "workspaces",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "default_region",
                table: "workspaces",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "allow_enhanced_support_access",
                table: "organizations",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "billing_email",
                table: "organizations",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "has_ai_features_disabled",
                table: "organizations",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_scim_enabled",
                table: "organizations",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "should_enforce_dedicated_clusters",
                table: "organizations",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "dag_bundle_name",
                table: "deploys",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "last_rotated_at",
                table: "api_tokens",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "updated_at",
                table: "api_tokens",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.CreateTable(
                name: "bundle_moves",
                columns: table => new
                {
                    bundle_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    revision = table.Column<long>(type: "INTEGER", nullable: false),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    version = table.Column<string>(type: "TEXT", nullable: false),
                    deploy_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundle_moves", x => new { x.bundle_id, x.revision });
                });

            migrationBuilder.CreateTable(
                name: "bundles",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    path = table.Column<string>(type: "TEXT", nullable: false),
                    mount_path = table.Column<string>(type: "TEXT", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: true),
                    bundle_type = table.Column<string>(type: "TEXT", nullable: true),
                    description = table.Column<string>(type: "TEXT", nullable: true),
                    dag_bundle_ids = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_by = table.Column<string>(type: "TEXT", nullable: false),
                    deleted_at = table.Column<long>(type: "INTEGER", nullable: true),
                    deleted_in_revision = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundles", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "login_sessions",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    user_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    refresh_hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    previous_refresh_hash = table.Column<byte[]>(type: "BLOB", nullable: true),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    expires_at = table.Column<long>(type: "INTEGER", nullable: false),
                    revoked_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_login_sessions", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "revision_reports",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    revision = table.Column<long>(type: "INTEGER", nullable: false),
                    agent_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    host = table.Column<string>(type: "TEXT", nullable: false),
                    component = table.Column<string>(type: "TEXT", nullable: false),
                    prepared_at = table.Column<long>(type: "INTEGER", nullable: true),
                    active_at = table.Column<long>(type: "INTEGER", nullable: true),
                    failed_at = table.Column<long>(type: "INTEGER", nullable: true),
                    message = table.Column<string>(type: "TEXT", nullable: true),
                    fetched_bytes = table.Column<long>(type: "INTEGER", nullable: false),
                    milliseconds = table.Column<double>(type: "REAL", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_revision_reports", x => new { x.deployment_id, x.revision, x.agent_id });
                });

            migrationBuilder.CreateTable(
                name: "token_grants",
                columns: table => new
                {
                    entity_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    token_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    role = table.Column<string>(type: "TEXT", nullable: false),
                    workspace_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    is_from_claims = table.Column<bool>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_token_grants", x => new { x.token_id, x.entity_id });
                    table.ForeignKey(
                        name: "fk_token_grants_api_tokens_token_id",
                        column: x => x.token_id,
                        principalTable: "api_tokens",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            // Written by hand: what stood in the token's own columns is its first grant.
            migrationBuilder.Sql(GrantRows.FromTokens);

            migrationBuilder.RenameColumn(
                name: "role",
                table: "api_tokens",
                newName: "updated_by");

            migrationBuilder.Sql(GrantRows.NeverUpdated);

            migrationBuilder.CreateTable(
                name: "users",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    organization_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    issuer = table.Column<string>(type: "TEXT", nullable: false),
                    external_id = table.Column<string>(type: "TEXT", nullable: false),
                    username = table.Column<string>(type: "TEXT", nullable: false),
                    full_name = table.Column<string>(type: "TEXT", nullable: false),
                    avatar_url = table.Column<string>(type: "TEXT", nullable: false),
                    status = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_users", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "user_grants",
                columns: table => new
                {
                    entity_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    user_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    role = table.Column<string>(type: "TEXT", nullable: false),
                    workspace_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    is_from_claims = table.Column<bool>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_user_grants", x => new { x.user_id, x.entity_id });
                    table.ForeignKey(
                        name: "fk_user_grants_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_bundles_deployment_id_created_at_id",
                table: "bundles",
                columns: new[] { "deployment_id", "created_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_bundles_deployment_id_path",
                table: "bundles",
                columns: new[] { "deployment_id", "path" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_login_sessions_previous_refresh_hash",
                table: "login_sessions",
                column: "previous_refresh_hash");

            migrationBuilder.CreateIndex(
                name: "ix_login_sessions_refresh_hash",
                table: "login_sessions",
                column: "refresh_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_login_sessions_user_id",
                table: "login_sessions",
                column: "user_id");

            migrationBuilder.CreateIndex(
                name: "ix_token_grants_deployment_id",
                table: "token_grants",
                column: "deployment_id");

            migrationBuilder.CreateIndex(
                name: "ix_token_grants_workspace_id",
                table: "token_grants",
                column: "workspace_id");

            migrationBuilder.CreateIndex(
                name: "ix_user_grants_deployment_id",
                table: "user_grants",
                column: "deployment_id");

            migrationBuilder.CreateIndex(
                name: "ix_user_grants_workspace_id",
                table: "user_grants",
                column: "workspace_id");

            migrationBuilder.CreateIndex(
                name: "ix_users_issuer_external_id",
                table: "users",
                columns: new[] { "issuer", "external_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_users_organization_id_username",
                table: "users",
                columns: new[] { "organization_id", "username" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "bundle_moves");

            migrationBuilder.DropTable(
                name: "bundles");

            migrationBuilder.DropTable(
                name: "login_sessions");

            migrationBuilder.DropTable(
                name: "revision_reports");

            migrationBuilder.DropTable(
                name: "token_grants");

            migrationBuilder.DropTable(
                name: "user_grants");

            migrationBuilder.DropTable(
                name: "users");

            migrationBuilder.DropColumn(
                name: "default_cloud_provider",
                table: "workspaces");

            migrationBuilder.DropColumn(
                name: "default_cluster_id",
                table: "workspaces");

            migrationBuilder.DropColumn(
                name: "default_region",
                table: "workspaces");

            migrationBuilder.DropColumn(
                name: "allow_enhanced_support_access",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "billing_email",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "has_ai_features_disabled",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "is_scim_enabled",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "should_enforce_dedicated_clusters",
                table: "organizations");

            migrationBuilder.DropColumn(
                name: "dag_bundle_name",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "last_rotated_at",
                table: "api_tokens");

            migrationBuilder.DropColumn(
                name: "updated_at",
                table: "api_tokens");

            migrationBuilder.RenameColumn(
                name: "updated_by",
                table: "api_tokens",
                newName: "role");
        }
    }
}
