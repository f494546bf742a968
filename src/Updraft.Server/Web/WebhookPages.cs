using Microsoft.AspNetCore.Http.HttpResults;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Security;
using Updraft.Server.Webhooks;

namespace Updraft.Server.Web;

/// <summary>Routes and forms of the webhook pages.</summary>
internal static class WebhookPages
{
    public static void MapWebhookPages(this IEndpointRouteBuilder pages)
    {
        pages.MapPage<WebhooksPage>("/webhooks").Requires(Permission.ManageWebhooks);
        pages.MapPost("/webhooks", CreateAsync).Requires(Permission.ManageWebhooks);
        var webhook = pages.MapGroup("/webhooks/{webhookId}");
        webhook.MapPage<WebhookPage>("").Requires(Permission.ManageWebhooks);
        webhook.MapPost("", UpdateAsync).Requires(Permission.ManageWebhooks);
        webhook.MapPost("/test", TestAsync).Requires(Permission.ManageWebhooks);
        webhook.MapPost("/rotate", RotateAsync).Requires(Permission.ManageWebhooks);
        webhook.MapPost("/delete", DeleteAsync).Requires(Permission.ManageWebhooks);
        webhook.MapPost("/deliveries/{deliveryId}/redeliver", RedeliverAsync).Requires(Permission.ManageWebhooks);
    }

    /// <summary>Scheme and host of a receiver's URL. The rest may be a secret; only the form for a change shows it.</summary>
    public static string Host(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) ? $"{uri.Scheme}://{uri.Authority}" : "unreadable URL";

    private static async Task<IResult> CreateAsync(HttpRequest request, Subject subject, CreateWebhook create,
        CancellationToken cancellationToken)
    {
        var form = await request.ReadFormAsync(cancellationToken);
        // WORKSPACE, or WORKSPACE/DEPLOYMENT.
        var scope = form["place"].ToString().Split('/', 2);
        var (row, secret) = await create.RunAsync(subject, new CreateWebhookRequest
        {
            Name = form["name"],
            WorkspaceId = scope[0],
            DeploymentId = scope.Length > 1 ? scope[1] : null,
            Url = form["url"].ToString().Trim(),
            EventTypes = [.. form["events"].Select(type => type ?? "")],
            Format = form["format"],
        }, cancellationToken);
        return new RazorComponentResult<WebhookPage>(new { Secret = secret, CreatedId = row.Id.Value })
        {
            PreventStreamingRendering = true,
        };
    }

    private static async Task<RedirectHttpResult> UpdateAsync(WebhookId webhookId, HttpRequest request, Subject subject,
        ChangeWebhook change, PageLinks links, CancellationToken cancellationToken)
    {
        var form = await request.ReadFormAsync(cancellationToken);
        await change.UpdateAsync(subject, webhookId, new UpdateWebhookRequest
        {
            Name = form["name"],
            Url = form["url"].ToString().Trim(),
            EventTypes = [.. form["events"].Select(type => type ?? "")],
            Format = form["format"],
            IsEnabled = form["enabled"] == "true",
        }, cancellationToken);
        return TypedResults.Redirect(links.To($"/webhooks/{webhookId}?notice=saved"));
    }

    private static async Task<RedirectHttpResult> TestAsync(WebhookId webhookId, Subject subject, RepeatDelivery repeat, PageLinks links,
        CancellationToken cancellationToken)
    {
        await repeat.TestAsync(subject, webhookId, cancellationToken);
        return TypedResults.Redirect(links.To($"/webhooks/{webhookId}?notice=test"));
    }

    private static async Task<IResult> RotateAsync(WebhookId webhookId, Subject subject, ChangeWebhook change,
        CancellationToken cancellationToken)
    {
        var (row, secret) = await change.RotateAsync(subject, webhookId, cancellationToken);
        return new RazorComponentResult<WebhookPage>(new { Secret = secret, CreatedId = row.Id.Value })
        {
            PreventStreamingRendering = true,
        };
    }

    private static async Task<RedirectHttpResult> DeleteAsync(WebhookId webhookId, Subject subject, ChangeWebhook change, PageLinks links,
        CancellationToken cancellationToken)
    {
        await change.DeleteAsync(subject, webhookId, cancellationToken);
        return TypedResults.Redirect(links.To($"/webhooks"));
    }

    private static async Task<RedirectHttpResult> RedeliverAsync(WebhookId webhookId, DeliveryId deliveryId, Subject subject,
        RepeatDelivery repeat, PageLinks links, CancellationToken cancellationToken)
    {
        await repeat.ResendAsync(subject, webhookId, deliveryId, cancellationToken);
        return TypedResults.Redirect(links.To($"/webhooks/{webhookId}?notice=resent"));
    }
}
