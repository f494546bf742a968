using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Postgres
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
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    instance_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    host = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    component = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    agent_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    image_driver = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    enrolled_at = table.Column<long>(type: "bigint", nullable: false),
                    last_seen_at = table.Column<long>(type: "bigint", nullable: false),
                    revision = table.Column<long>(type: "bigint", nullable: false),
                    phase = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    active_revision = table.Column<long>(type: "bigint", nullable: false),
                    mounts = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    image = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    message = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    reported_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_agents", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "api_tokens",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    organization_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    workspace_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    short_token = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    is_signed = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    updated_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    last_rotated_at = table.Column<long>(type: "bigint", nullable: true),
                    expires_at = table.Column<long>(type: "bigint", nullable: true),
                    expiry_period_in_days = table.Column<int>(type: "integer", nullable: true),
                    revoked_at = table.Column<long>(type: "bigint", nullable: true),
                    last_used_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_api_tokens", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "authorization_codes",
                columns: table => new
                {
                    hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    user_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    redirect_uri = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    challenge = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ends_at = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_authorization_codes", x => x.hash);
                });

            migrationBuilder.CreateTable(
                name: "bundle_contents",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    content = table.Column<byte[]>(type: "bytea", nullable: false),
                    pack_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    offset = table.Column<long>(type: "bigint", nullable: false),
                    length = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundle_contents", x => new { x.deployment_id, x.content });
                });

            migrationBuilder.CreateTable(
                name: "bundle_moves",
                columns: table => new
                {
                    bundle_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    revision = table.Column<long>(type: "bigint", nullable: false),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    deploy_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundle_moves", x => new { x.bundle_id, x.revision });
                });

            migrationBuilder.CreateTable(
                name: "bundle_versions",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    deploy_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    purpose = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    manifest_digest = table.Column<byte[]>(type: "bytea", nullable: false),
                    pack_id = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    files = table.Column<int>(type: "integer", nullable: false),
                    bytes = table.Column<long>(type: "bigint", nullable: false),
                    has_dags_folder = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundle_versions", x => new { x.deployment_id, x.version });
                });

            migrationBuilder.CreateTable(
                name: "bundles",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    path = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    mount_path = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    bundle_type = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    dag_bundle_ids = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    updated_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    deleted_at = table.Column<long>(type: "bigint", nullable: true),
                    deleted_in_revision = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bundles", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "deployments",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    organization_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    workspace_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: false, collation: "C"),
                    is_dag_deploy_enabled = table.Column<bool>(type: "boolean", nullable: false),
                    is_cicd_enforced = table.Column<bool>(type: "boolean", nullable: false),
                    runtime_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    airflow_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    settings = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    revision = table.Column<long>(type: "bigint", nullable: false),
                    deploy_count = table.Column<long>(type: "bigint", nullable: false),
                    last_version_ticks = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    updated_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    deleted_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deployments", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "deploys",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    number = table.Column<long>(type: "bigint", nullable: false),
                    type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    status = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    git = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    bundle_mount_path = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    bundle_type = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    dag_bundle_name = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    image_repository = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    image_tag = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    is_dag_deploy_enabled = table.Column<bool>(type: "boolean", nullable: false),
                    finalized_version = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    revision = table.Column<long>(type: "bigint", nullable: true),
                    status_reason = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    rollback_from_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    updated_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_by = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deploys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "images",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    digest = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false, collation: "C"),
                    repository = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    runtime_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    airflow_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    architectures = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    parts = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    bytes = table.Column<long>(type: "bigint", nullable: false),
                    pinned_at = table.Column<long>(type: "bigint", nullable: false),
                    deleted_at = table.Column<long>(type: "bigint", nullable: true),
                    gone_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_images", x => new { x.deployment_id, x.digest });
                });

            migrationBuilder.CreateTable(
                name: "login_sessions",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    user_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    refresh_hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    previous_refresh_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    expires_at = table.Column<long>(type: "bigint", nullable: false),
                    revoked_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_login_sessions", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "organizations",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    billing_email = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    is_scim_enabled = table.Column<bool>(type: "boolean", nullable: false),
                    allow_enhanced_support_access = table.Column<bool>(type: "boolean", nullable: false),
                    has_ai_features_disabled = table.Column<bool>(type: "boolean", nullable: true),
                    should_enforce_dedicated_clusters = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    updated_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_by = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_organizations", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "revision_reports",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    revision = table.Column<long>(type: "bigint", nullable: false),
                    agent_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    host = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    component = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    prepared_at = table.Column<long>(type: "bigint", nullable: true),
                    active_at = table.Column<long>(type: "bigint", nullable: true),
                    failed_at = table.Column<long>(type: "bigint", nullable: true),
                    message = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    has_given_up = table.Column<bool>(type: "boolean", nullable: false),
                    steps = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    fetched_bytes = table.Column<long>(type: "bigint", nullable: false),
                    milliseconds = table.Column<double>(type: "double precision", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_revision_reports", x => new { x.deployment_id, x.revision, x.agent_id });
                });

            migrationBuilder.CreateTable(
                name: "revisions",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    number = table.Column<long>(type: "bigint", nullable: false),
                    deploy_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    image_repository = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    image_tag = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    image_digest = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    runtime_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    airflow_version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    is_dag_deploy_enabled = table.Column<bool>(type: "boolean", nullable: false),
                    mounts = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_revisions", x => new { x.deployment_id, x.number });
                });

            migrationBuilder.CreateTable(
                name: "server_facts",
                columns: table => new
                {
                    name = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    value = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_server_facts", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "upload_slots",
                columns: table => new
                {
                    deploy_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    purpose = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    closed_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_upload_slots", x => new { x.deploy_id, x.purpose });
                });

            migrationBuilder.CreateTable(
                name: "users",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    organization_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    issuer = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    external_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    username = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    full_name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    avatar_url = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    status = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_at = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_users", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "workspaces",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    organization_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    cicd_enforced_default = table.Column<bool>(type: "boolean", nullable: false),
                    default_cloud_provider = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    default_cluster_id = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    default_region = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    created_at = table.Column<long>(type: "bigint", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    updated_at = table.Column<long>(type: "bigint", nullable: false),
                    updated_by = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workspaces", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "token_grants",
                columns: table => new
                {
                    entity_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    token_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    role = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    workspace_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    is_from_claims = table.Column<bool>(type: "boolean", nullable: false)
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

            migrationBuilder.CreateTable(
                name: "user_grants",
                columns: table => new
                {
                    entity_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    user_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false, collation: "C"),
                    role = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    workspace_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    deployment_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true, collation: "C"),
                    is_from_claims = table.Column<bool>(type: "boolean", nullable: false)
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
                name: "ix_agents_deployment_id",
                table: "agents",
                column: "deployment_id",
                filter: "image_driver IS NOT NULL");

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
                name: "ix_authorization_codes_ends_at",
                table: "authorization_codes",
                column: "ends_at");

            migrationBuilder.CreateIndex(
                name: "ix_bundle_versions_deployment_id_manifest_digest",
                table: "bundle_versions",
                columns: new[] { "deployment_id", "manifest_digest" });

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
                name: "ix_deploys_deployment_id_status_number",
                table: "deploys",
                columns: new[] { "deployment_id", "status", "number" });

            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_type_number",
                table: "deploys",
                columns: new[] { "deployment_id", "type", "number" });

            migrationBuilder.CreateIndex(
                name: "ix_images_gone_at_pinned_at",
                table: "images",
                columns: new[] { "gone_at", "pinned_at" });

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
                name: "ix_upload_slots_closed_at",
                table: "upload_slots",
                column: "closed_at");

            migrationBuilder.CreateIndex(
                name: "ix_upload_slots_created_at",
                table: "upload_slots",
                column: "created_at");

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
                name: "authorization_codes");

            migrationBuilder.DropTable(
                name: "bundle_contents");

            migrationBuilder.DropTable(
                name: "bundle_moves");

            migrationBuilder.DropTable(
                name: "bundle_versions");

            migrationBuilder.DropTable(
                name: "bundles");

            migrationBuilder.DropTable(
                name: "deployments");

            migrationBuilder.DropTable(
                name: "deploys");

            migrationBuilder.DropTable(
                name: "images");

            migrationBuilder.DropTable(
                name: "login_sessions");

            migrationBuilder.DropTable(
                name: "organizations");

            migrationBuilder.DropTable(
                name: "revision_reports");

            migrationBuilder.DropTable(
                name: "revisions");

            migrationBuilder.DropTable(
                name: "server_facts");

            migrationBuilder.DropTable(
                name: "token_grants");

            migrationBuilder.DropTable(
                name: "upload_slots");

            migrationBuilder.DropTable(
                name: "user_grants");

            migrationBuilder.DropTable(
                name: "workspaces");

            migrationBuilder.DropTable(
                name: "api_tokens");

            migrationBuilder.DropTable(
                name: "users");
        }
    }
}
