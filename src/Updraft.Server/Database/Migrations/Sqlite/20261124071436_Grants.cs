using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Updraft.Server.Database.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Grants : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "token_grants",
                columns: table => new
                {
                    entity_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    token_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    role = table.Column<string>(type: "TEXT", nullable: false),
                    workspace_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    deployment_id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true)
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

            migrationBuilder.Sql(GrantRows.NeverUpdated);

            migrationBuilder.CreateIndex(
                name: "ix_token_grants_deployment_id",
                table: "token_grants",
                column: "deployment_id");

            migrationBuilder.CreateIndex(
                name: "ix_token_grants_workspace_id",
                table: "token_grants",
                column: "workspace_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "token_grants");

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
