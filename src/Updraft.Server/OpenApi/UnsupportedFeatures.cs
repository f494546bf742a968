using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.OpenApi;

/// <summary>
/// The resources of the API that Updraft does not have, and what it says about them: the one list. Middleware after authentication, for
/// addresses without a route. Without a token they answer 401 like every other address below an Organization.
/// </summary>
internal sealed class UnsupportedFeatures(RequestDelegate next)
{
    private static readonly Dictionary<string, string> Features = new(StringComparer.Ordinal)
    {
        ["environment-objects"] = "environment objects; keep connections and variables in Airflow or in its secrets backend",
        ["teams"] = "teams; give the roles to tokens and users",
        ["invites"] = "invites",
        ["alerts"] = "alerts",
        ["notification-channels"] = "notification channels",
        ["allowed-ip-address-ranges"] = "ranges of allowed addresses; set them in the proxy or firewall in front of the server",
        ["audit-logs"] = "audit logs at this address; they are at /updraft/v1/organizations/{organizationId}/audit-log",
    };

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is null && Feature(context.Request.Path.Value ?? "") is { } feature)
        {
            throw context.Features.Get<Subject>() is null
                ? new ApiException(StatusCodes.Status401Unauthorized, "Send a valid token: 'Authorization: Bearer TOKEN'.")
                : new ApiException(StatusCodes.Status404NotFound, $"Updraft does not have {feature}.");
        }
        return next(context);
    }

    // …/organizations/{id}/NAME, or a name further down: teams of users, for instance.
    private static string? Feature(string path)
    {
        var segments = path.Split('/');
        var organizations = Array.IndexOf(segments, "organizations");
        if (organizations < 0)
            return null;
        foreach (var segment in segments.Skip(organizations + 2))
        {
            if (Features.TryGetValue(segment, out var feature))
                return feature;
        }
        return null;
    }
}
