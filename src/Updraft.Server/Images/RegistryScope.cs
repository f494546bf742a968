namespace Updraft.Server.Images;

/// <summary>The scope that a registry client requests: actions on a repository.</summary>
/// <param name="Organization">First part of the repository's name.</param>
/// <param name="Deployment">Second part of the repository's name.</param>
/// <param name="Actions">The requested actions, including unknown ones.</param>
internal sealed record RegistryScope(string Organization, string Deployment, IReadOnlyList<string> Actions)
{
    /// <summary>Splits the values of the parameter <c>scope</c>. A request may have several, and each may have several scopes.</summary>
    public static IReadOnlyList<string> Split(IEnumerable<string?> values) =>
        [.. values.SelectMany(value => (value ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>
    /// Parses <c>repository:ORGANIZATION/DEPLOYMENT:ACTION,ACTION</c>; null for other scopes, which the server never grants.
    /// </summary>
    public static RegistryScope? Parse(string text)
    {
        // A name may contain a host with a port, so the outer colons count. Such a name is never a repository of Updraft.
        var (first, last) = (text.IndexOf(':', StringComparison.Ordinal), text.LastIndexOf(':'));
        if (first < 0 || first == last || text[..first] != "repository")
            return null;
        return text[(first + 1)..last].Split('/') is [{ Length: > 0 } organization, { Length: > 0 } deployment]
            ? new RegistryScope(organization, deployment, text[(last + 1)..].Split(','))
            : null;
    }
}
