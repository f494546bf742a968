namespace Updraft.Server.Database.Migrations.Sqlite;

/// <summary>What a generated migration cannot know: how tokens of 0.1 become tokens with several roles.</summary>
internal static class GrantRows
{
    /// <summary>After token_grants was made and before the column role goes: the one role of a token becomes its first grant.</summary>
    public const string FromTokens = """
        INSERT INTO token_grants (token_id, entity_id, role, workspace_id, deployment_id, is_from_claims)
        SELECT id, COALESCE(deployment_id, workspace_id, organization_id), role, workspace_id, deployment_id, 0 FROM api_tokens;
        """;

    /// <summary>After the columns were added: a token that was never changed was changed last when it was made.</summary>
    public const string NeverUpdated = "UPDATE api_tokens SET updated_at = created_at, updated_by = created_by;";
}
