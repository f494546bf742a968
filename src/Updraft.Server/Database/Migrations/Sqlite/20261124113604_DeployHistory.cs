using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class DeployHistory : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_status_number",
                table: "deploys",
                columns: new[] { "deployment_id", "status", "number" });

            migrationBuilder.CreateIndex(
                name: "ix_deploys_deployment_id_type_number",
                table: "deploys",
                columns: new[] { "deployment_id", "type", "number" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_deploys_deployment_id_status_number",
                table: "deploys");

            migrationBuilder.DropIndex(
                name: "ix_deploys_deployment_id_type_number",
                table: "deploys");
        }
    }
}
