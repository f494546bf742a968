using System.Net;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Webhooks;

/// <summary>Endpoints of webhooks. They are not part of the contract, so they are below <c>/updraft/v1</c>.</summary>
internal static class WebhookEndpoints
{
    public static void AddWebhooks(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<WebhookOptions>().Bind(builder.Configuration.GetSection(WebhookOptions.Section))
            .ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ResolveHost>(static (host, cancellationToken) => Dns.GetHostAddressesAsync(host, cancellationToken));
        builder.Services.AddSingleton<AddressGuard>();
        builder.Services.AddSingleton<WebhookClient>();
        builder.Services.AddSingleton<WebhookKey>();
        builder.Services.AddSingleton(provider => provider.GetRequiredService<WebhookKey>().Shared);
        builder.Services.AddSingleton<WebhookSignal>();
        builder.Services.AddSingleton<IInterceptor, WakeAtCommit>();
        builder.Services.AddScoped<WebhookQueries>();
        builder.Services.AddScoped<CreateWebhook>();
        builder.Services.AddScoped<ChangeWebhook>();
        builder.Services.AddScoped<RepeatDelivery>();
        builder.Services.AddScoped<ComposePayload>();
        builder.Services.AddScoped<EnqueueDeliveries>();
        builder.Services.AddScoped<AttemptDelivery>();
        builder.Services.AddHostedService<DispatchEvents>();
        builder.Services.AddHostedService<SendDeliveries>();
        builder.Services.AddHostedService<ExpireDeliveries>();
        builder.Services.AddBackgroundWork(ExpireDeliveries.WorkName);
    }

    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/organizations/{organizationId}/webhooks");
        webhooks.MapGet("/", ListAsync).Requires(Permission.ManageWebhooks).Operation("ListWebhooks").Sorts(WebhookQueries.Sorting.Orders);
        webhooks.MapPost("/", CreateAsync).Requires(Permission.ManageWebhooks).Operation<CreateWebhookRequest>("CreateWebhook");
        webhooks.MapGet("/{webhookId}", GetAsync).Requires(Permission.ManageWebhooks).Operation("GetWebhook");
        webhooks.MapPost("/{webhookId}", UpdateAsync).Requires(Permission.ManageWebhooks).Operation<UpdateWebhookRequest>("UpdateWebhook");
        webhooks.MapDelete("/{webhookId}", DeleteAsync).Requires(Permission.ManageWebhooks).Operation("DeleteWebhook");
        webhooks.MapPost("/{webhookId}/rotate", RotateAsync).Requires(Permission.ManageWebhooks).Operation("RotateWebhookSecret");
        webhooks.MapPost("/{webhookId}/test", TestAsync).Requires(Permission.ManageWebhooks).Operation("TestWebhook");
        webhooks.MapGet("/{webhookId}/deliveries", ListDeliveriesAsync).Requires(Permission.ManageWebhooks)
            .Operation("ListWebhookDeliveries");
        webhooks.MapPost("/{webhookId}/deliveries/{deliveryId}/redeliver", RedeliverAsync).Requires(Permission.ManageWebhooks)
            .Operation("RedeliverWebhook");
    }

    private static Task<WebhooksPaginated> ListAsync(Subject subject, WebhookQueries queries, Paging paging, string? workspaceId,
        string? deploymentId,
        string[]? sorts, CancellationToken cancellationToken)
    {
        var rows = queries.Visible(subject);
        if (!string.IsNullOrEmpty(workspaceId))
        {
            var workspace = new WorkspaceId(workspaceId);
            rows = rows.Where(row => row.WorkspaceId == workspace);
        }
        if (!string.IsNullOrEmpty(deploymentId))
        {
            DeploymentId? deployment = new DeploymentId(deploymentId);
            rows = rows.Where(row => row.DeploymentId == deployment);
        }
        return queries.ListAsync(rows, sorts, paging, cancellationToken);
    }

    private static async Task<WebhookResponse> CreateAsync(HttpRequest request, Subject subject, CreateWebhook create,
        WebhookQueries queries,
        CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateWebhookRequest, cancellationToken);
        var (row, secret) = await create.RunAsync(subject, body, cancellationToken);
        return queries.Show(row, secret);
    }

    private static Task<WebhookResponse> GetAsync(WebhookId webhookId, Subject subject, WebhookQueries queries,
        CancellationToken cancellationToken) =>
        queries.GetAsync(subject, webhookId, cancellationToken);

    private static async Task<WebhookResponse> UpdateAsync(WebhookId webhookId, HttpRequest request, Subject subject, ChangeWebhook change,
        WebhookQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateWebhookRequest, cancellationToken);
        return queries.Show(await change.UpdateAsync(subject, webhookId, body, cancellationToken));
    }

    private static async Task<IResult> DeleteAsync(WebhookId webhookId, Subject subject, ChangeWebhook change,
        CancellationToken cancellationToken)
    {
        await change.DeleteAsync(subject, webhookId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<WebhookResponse> RotateAsync(WebhookId webhookId, Subject subject, ChangeWebhook change,
        WebhookQueries queries,
        CancellationToken cancellationToken)
    {
        var (row, secret) = await change.RotateAsync(subject, webhookId, cancellationToken);
        return queries.Show(row, secret);
    }

    private static async Task<WebhookDeliveryResponse> TestAsync(WebhookId webhookId, Subject subject, RepeatDelivery repeat,
        CancellationToken cancellationToken) => (await repeat.TestAsync(subject, webhookId, cancellationToken)).ToResponse();

    private static Task<WebhookDeliveriesPaginated> ListDeliveriesAsync(WebhookId webhookId, Subject subject, WebhookQueries queries,
        Paging paging,
        CancellationToken cancellationToken) => queries.ListDeliveriesAsync(subject, webhookId, paging, cancellationToken);

    private static async Task<WebhookDeliveryResponse> RedeliverAsync(WebhookId webhookId, DeliveryId deliveryId, Subject subject,
        RepeatDelivery repeat,
        CancellationToken cancellationToken) => (await repeat.ResendAsync(subject, webhookId, deliveryId, cancellationToken)).ToResponse();
}
