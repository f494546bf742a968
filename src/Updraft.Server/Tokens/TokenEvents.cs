using System.Globalization;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

internal static class TokenEvents
{
    /// <summary>Records an event of a token. The event has no part of the secret.</summary>
    public static void Record(this EventLog events, string type, SubjectProfile by, ApiToken token,
        params IEnumerable<(string Name, string? Value)> details) =>
        events.Record(type, by, new(token.OrganizationId, token.WorkspaceId, token.DeploymentId),
            new(token.Kind == TokenKind.Agent ? "agent_token" : "token", token.Id.Value, token.Name),
            [("roles", token.Grants.Describe()),
                ("expiresAt", token.ExpiresAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
                .. details]);

    /// <summary>Roles with their scopes, for a reader.</summary>
    public static string Describe(this IEnumerable<Grant> grants)
    {
        var text = string.Join(", ",
            grants.Select(grant => grant.WorkspaceId is null ? grant.Role.Name() : $"{grant.Role.Name()} in {grant.EntityId}"));
        return text.Length == 0 ? "none" : text;
    }
}
