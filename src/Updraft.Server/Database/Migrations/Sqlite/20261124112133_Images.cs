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

            migrationBuilder.CreateIndex(
                name: "ix_images_gone_at_pinned_at",
                table: "images",
                columns: new[] { "gone_at", "pinned_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "images");
        }
    }
}
