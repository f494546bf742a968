using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Images : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "has_given_up",
                table: "revision_reports",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "steps",
                table: "revision_reports",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "status_reason",
                table: "deploys",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image",
                table: "agents",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "image_driver",
                table: "agents",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "authorization_codes",
                columns: table => new
                {
                    hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    user_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    redirect_uri = table.Column<string>(type: "TEXT", nullable: false),
                    challenge = table.Column<string>(type: "TEXT", nullable: false),
                    ends_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_authorization_codes", x => x.hash);
                });

            migrationBuilder.CreateTable(
                name: "images",
                columns: table => new
                {
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    digest = table.Column<string>(type: "TEXT", maxLength: 80, nullable: false),
                    repository = table.Column<string>(type: "TEXT", nullable: false),
                    runtime_version = table.Column<string>(type: "TEXT", nullable: false),
                    airflow_version = table.Column<string>(type: "TEXT", nullable: false),
                    architectures = table.Column<string>(type: "TEXT", nullable: false),
                    parts = table.Column<string>(type: "TEXT", nullable: false),
                    bytes = table.Column<long>(type: "INTEGER", nullable: false),
                    pinned_at = table.Column<long>(type: "INTEGER", nullable: false),
                    deleted_at = table.Column<long>(type: "INTEGER", nullable: true),
                    gone_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_images", x => new { x.deployment_id, x.digest });
                });

            migrationBuilder.CreateTable(
                name: "server_facts",
                columns: table => new
                {
                    name = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    value = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_server_facts", x => x.name);
                });

            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_status_number",
                table: "deploys",
                columns: new[] { "deployment_id", "status", "number" });

            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_type_number",
                table: "deploys",
                columns: new[] { "deployment_id", "type", "number" });

            migrationBuilder.CreateIndex(
                name: "ix_agents_deployment_id",
                table: "agents",
                column: "deployment_id",
                filter: "image_driver IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_authorization_codes_ends_at",
                table: "authorization_codes",
                column: "ends_at");

            migrationBuilder.CreateIndex(
                name: "ix_images_gone_at_pinned_at",
                table: "images",
                columns: new[] { "gone_at", "pinned_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "authorization_codes");

            migrationBuilder.DropTable(
                name: "images");

            migrationBuilder.DropTable(
                name: "server_facts");

            migrationBuilder.DropIndex(
                name: "ix_deploys_deployment_id_status_number",
                table: "deploys");

            migrationBuilder.DropIndex(
                name: "ix_deploys_deployment_id_type_number",
                table: "deploys");

            migrationBuilder.DropIndex(
                name: "ix_agents_deployment_id",
                table: "agents");

            migrationBuilder.DropColumn(
                name: "has_given_up",
                table: "revision_reports");

            migrationBuilder.DropColumn(
                name: "steps",
                table: "revision_reports");

            migrationBuilder.DropColumn(
                name: "status_reason",
                table: "deploys");

            migrationBuilder.DropColumn(
                name: "image",
                table: "agents");

            migrationBuilder.DropColumn(
                name: "image_driver",
                table: "agents");
        }
    }
}
