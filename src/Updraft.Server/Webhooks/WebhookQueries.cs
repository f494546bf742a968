using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Webhooks;

/// <summary>Reads webhooks and their deliveries. Only callers that may manage a webhook see it, because its URL can be a secret.</summary>
internal sealed class WebhookQueries(UpdraftDbContext db, WebhookKey key, TimeProvider clock)
{
    public static readonly Sorting<Webhook> Sorting = new(row => row.Id,
        ("name", row => row.Name), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt));

    /// <summary>The webhooks that a caller may manage.</summary>
    public IQueryable<Webhook> Visible(Subject subject)
    {
        var rows = db.Webhooks.AsNoTracking().Where(row => row.OrganizationId == subject.Organization
            && db.Set<Workspace>().Any(workspace => workspace.Id == row.WorkspaceId));
        var (isEverywhere, workspaces, deployments, _) = subject.Reach(Permission.ManageWebhooks);
        return isEverywhere ? rows
            : rows.Where(row => workspaces.Contains(row.WorkspaceId)
                || (row.DeploymentId != null && deployments.Contains(row.DeploymentId.Value)));
    }

    public async Task<WebhooksPaginated> ListAsync(IQueryable<Webhook> rows, string[]? sorts, Paging paging,
        CancellationToken cancellationToken)
    {
        var page = await Sorting.Apply(rows, sorts).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return new()
        {
            Webhooks = [.. page.Select(row => Show(row))],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.LongCountAsync(cancellationToken),
        };
    }

    /// <exception cref="ApiException">404: the caller manages no such webhook.</exception>
    public async Task<WebhookResponse> GetAsync(Subject subject, WebhookId id, CancellationToken cancellationToken) =>
        Show(await Visible(subject).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) ?? throw NotFound(id));

    /// <summary>The deliveries of a webhook, newest first.</summary>
    /// <exception cref="ApiException">404: the caller manages no such webhook.</exception>
    public async Task<WebhookDeliveriesPaginated> ListDeliveriesAsync(Subject subject, WebhookId id, Paging paging,
        CancellationToken cancellationToken)
    {
        if (!await Visible(subject).AnyAsync(row => row.Id == id, cancellationToken))
            throw NotFound(id);
        var rows = db.WebhookDeliveries.AsNoTracking().Where(row => row.WebhookId == id);
        var page = await rows.OrderByDescending(row => row.CreatedAt).ThenByDescending(row => row.Id).Skip(paging.Offset).Take(paging.Limit)
            .ToListAsync(cancellationToken);
        return new()
        {
            Deliveries = [.. page.Select(row => row.ToResponse())],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.LongCountAsync(cancellationToken),
        };
    }

    /// <summary>Reads and locks a webhook for a change. Call it inside a write transaction.</summary>
    /// <exception cref="ApiException">404: the caller manages no such webhook.</exception>
    public async Task<Webhook> LockAsync(Subject subject, WebhookId id, CancellationToken cancellationToken) =>
        await db.LockWebhookAsync(id, cancellationToken) is { } row && await Visible(subject)
            .AnyAsync(other => other.Id == id, cancellationToken)
            ? row : throw NotFound(id);

    /// <summary>The webhook in the API.</summary>
    /// <param name="row">The webhook.</param>
    /// <param name="secret">The secret if the response contains it; else null.</param>
    public WebhookResponse Show(Webhook row, string? secret = null) => row.ToResponse(Url(row), clock.GetUtcNow(), secret);

    // After a change of the key, users can still read, change and delete the webhook.
    private string Url(Webhook row)
    {
        try
        {
            return key.Open(row.Id, WebhookMapping.UrlPurpose, row.Url);
        }
        catch (CryptographicException)
        {
            return "";
        }
    }

    private static ApiException NotFound(WebhookId id) => ApiException.NotFound("webhook", id.Value);
}
