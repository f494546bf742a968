using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.OpenApi;

/// <summary>
/// The resources of the contract that Updraft does not have, with a message for each: the only list of them. Middleware after
/// authentication, for URLs and methods without a route. Without a token, such a URL is a 401, like every other URL below an Organization.
/// </summary>
internal sealed class UnsupportedFeatures(RequestDelegate next)
{
    private const string CustomRoles = "roles";

    private static readonly string[] Actions = ["create-", "update-", "delete-"];

    private static readonly Dictionary<string, string> Features = new(StringComparer.Ordinal)
    {
        ["environment-objects"] = "no environment objects. Keep connections and variables in Airflow, or in its secrets backend.",
        ["teams"] = "no teams. Grant the roles to tokens and users.",
        ["invites"] = "no invites. Users sign in with the identity provider.",
        [CustomRoles] = "no custom roles. Grant the roles that GET roles lists.",
        ["astroide"] = "no Astro IDE. Edit the DAGs in your own repository, then deploy them.",
        ["alerts"] = "no alerts. Use webhooks, or alerts of your monitoring.",
        ["notification-channels"] = "no notification channels. Use webhooks.",
        ["allowed-ip-address-ranges"] = "no allowed IP address ranges. Restrict them in the reverse proxy or firewall.",
        ["audit-logs"] = "no audit logs at this URL. Use /updraft/v1/organizations/{organizationId}/audit-log.",
    };

    public Task InvokeAsync(HttpContext context)
    {
        // A known URL with an unknown method has an endpoint that is no route.
        if (context.GetEndpoint() is not RouteEndpoint && Feature(context.Request.Path.Value ?? "") is { } feature)
        {
            throw context.Features.Get<Subject>() is null
                ? new ApiException(RequestErrors.Unauthenticated, "The request has no valid token. Send 'Authorization: Bearer TOKEN'.")
                : new ApiException(FeatureErrors.FeatureUnsupported, $"Updraft has {feature}");
        }
        return next(context);
    }

    // The name after …/organizations/{id}/, or one further down, such as the teams of a user. Also an action on it, such as create-alerts.
    private static string? Feature(string path)
    {
        var segments = path.Split('/');
        var organizations = Array.IndexOf(segments, "organizations");
        if (organizations < 0)
            return null;
        foreach (var (index, segment) in segments.Skip(organizations + 2).Index())
        {
            var action = Array.Find(Actions, action => segment.StartsWith(action, StringComparison.Ordinal)) ?? "";
            var name = segment[action.Length..];
            // The roles of a user or token exist.
            if (Features.TryGetValue(name, out var feature) && (name != CustomRoles || index == 0))
                return feature;
        }
        return null;
    }
}
