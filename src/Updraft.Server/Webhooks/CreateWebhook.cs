using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Webhooks;

/// <summary>Makes webhooks, with their secrets.</summary>
internal sealed class CreateWebhook(UpdraftDbContext db, AddressGuard guard, WebhookKey key, EventLog events, IOptions<WebhookOptions> options, TimeProvider clock)
{
    /// <summary>Longest name, in code points.</summary>
    public const int MaxName = 100;

    /// <returns>The webhook and its secret, which is shown this once.</returns>
    /// <exception cref="ApiException">
    /// 400: a bad field, an address that webhooks may not reach, or the Workspace has the most that it may have. 403: the caller manages no webhooks
    /// there. 404: no such Workspace or Deployment that the caller sees.
    /// </exception>
    public async Task<(Webhook Row, string Secret)> RunAsync(Subject subject, CreateWebhookRequest request, CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", MaxName);
        var url = guard.Check(request.Url).AbsoluteUri;
        var (types, format) = (WebhookEvents.Check(request.EventTypes), ReadFormat(request.Format));
        if (string.IsNullOrEmpty(request.WorkspaceId))
            throw ApiException.BadRequest("'workspaceId' is missing; it names the Workspace whose events are sent.");
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var workspace = await FindWorkspaceAsync(subject, request.WorkspaceId, cancellationToken);
        DeploymentId? deployment = string.IsNullOrEmpty(request.DeploymentId) ? null
            : await FindDeploymentAsync(subject, workspace, request.DeploymentId, cancellationToken);
        if (!subject.May(Permission.ManageWebhooks, workspace, deployment))
        {
            throw new ApiException(StatusCodes.Status403Forbidden, deployment is null
                ? $"The caller's roles do not include managing webhooks for all of the Workspace {workspace}; name a Deployment with 'deploymentId'."
                : $"The caller's roles do not include managing webhooks for the Deployment {deployment}.");
        }
        if (await db.Webhooks.CountAsync(row => row.WorkspaceId == workspace, cancellationToken) is var count && count >= options.Value.MaxPerWorkspace)
            throw ApiException.BadRequest($"The Workspace has {count} webhooks; at most {options.Value.MaxPerWorkspace} are allowed (Webhooks:MaxPerWorkspace).");
        var (id, secret, now) = (new WebhookId(EntityId.New(clock)), WebhookSecret.Create(), clock.GetUtcNow());
        var row = new Webhook
        {
            Id = id,
            OrganizationId = subject.Organization,
            WorkspaceId = workspace,
            DeploymentId = deployment,
            Name = name,
            Url = key.Seal(id, WebhookMapping.UrlPurpose, url),
            EventTypes = types,
            Format = format,
            Secret = key.Seal(id, WebhookSecret.Purpose, secret),
            IsEnabled = true,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        db.Webhooks.Add(row);
        events.Record(EventTypes.WebhookCreated, subject.Profile, row.Place(), row.Target(),
            ("host", new Uri(url).Authority), ("eventTypes", string.Join(' ', types)), ("format", format.ToString().ToUpperInvariant()));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return (row, secret);
    }

    /// <summary>The format by its name on the wire; the standard one when there is none.</summary>
    /// <exception cref="ApiException">400: another name.</exception>
    public static WebhookFormat ReadFormat(string? name) =>
        TextLimit.OneOf(name, "format", "STANDARD", "STANDARD", "SLACK") == "SLACK" ? WebhookFormat.Slack : WebhookFormat.Standard;

    private async Task<WorkspaceId> FindWorkspaceAsync(Subject subject, string text, CancellationToken cancellationToken)
    {
        var id = new WorkspaceId(text);
        var isThere = await db.Workspaces.AnyAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken);
        return isThere && subject.Touches(Permission.ReadWorkspace, id) ? id : throw ApiException.NotFound("Workspace", text);
    }

    private async Task<DeploymentId> FindDeploymentAsync(Subject subject, WorkspaceId workspace, string text, CancellationToken cancellationToken)
    {
        var id = new DeploymentId(text);
        var isThere = await db.Deployments.AnyAsync(row => row.Id == id && row.WorkspaceId == workspace && row.DeletedAt == null, cancellationToken);
        return isThere && subject.Touches(Permission.ReadDeployment, workspace, id) ? id : throw ApiException.NotFound("Deployment", text);
    }
}
