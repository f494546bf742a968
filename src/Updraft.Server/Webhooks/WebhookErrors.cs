using Updraft.Server.Api;

namespace Updraft.Server.Webhooks;

/// <summary>Errors of webhooks.</summary>
internal static class WebhookErrors
{
    public static readonly ErrorCode UrlBlocked = new("webhook_url_blocked", StatusCodes.Status400BadRequest,
        "The URL does not use https, or its host is not on the public Internet.",
        "Use a public https URL, or let an operator add the host to Webhooks:AllowedNetworks.");

    public static readonly ErrorCode LimitReached = new("webhook_limit_reached", StatusCodes.Status400BadRequest,
        "The Workspace has the maximum number of webhooks.",
        "Delete a webhook, or let an operator raise Webhooks:MaxPerWorkspace.");

    public static readonly ErrorCode Disabled = new("webhook_disabled", StatusCodes.Status400BadRequest,
        "The webhook is disabled, so it sends no events.",
        "Enable the webhook first.");
}
