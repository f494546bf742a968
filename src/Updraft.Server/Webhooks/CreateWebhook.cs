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

internal sealed class CreateWebhook(UpdraftDbContext db, AddressGuard guard, WebhookKey key, EventLog events,
    IOptions<WebhookOptions> options, TimeProvider clock)
{
    /// <summary>Maximum length of a name, in code points.</summary>
    public const int MaxName = 100;

    /// <returns>The webhook and its secret, which no later request returns.</returns>
    /// <exception cref="ApiException">
    /// 400: an invalid field, a URL that webhooks may not reach, or the Workspace has the maximum number of webhooks. 403: the caller
    /// may not manage webhooks in the scope. 404: the caller sees no such Workspace or Deployment.
    /// </exception>
    public async Task<(Webhook Row, string Secret)> RunAsync(Subject subject, CreateWebhookRequest request,
        CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", MaxName);
        var url = guard.Check(request.Url).AbsoluteUri;
        var (types, format) = (WebhookEvents.Check(request.EventTypes), ReadFormat(request.Format));
        if (string.IsNullOrEmpty(request.WorkspaceId))
            throw ApiException.BadRequest("'workspaceId' is missing. Set it to the ID of the Workspace whose events the webhook sends.");
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var workspace = await FindWorkspaceAsync(subject, request.WorkspaceId, cancellationToken);
        DeploymentId? deployment = string.IsNullOrEmpty(request.DeploymentId) ? null
            : await FindDeploymentAsync(subject, workspace, request.DeploymentId, cancellationToken);
        if (!subject.May(Permission.ManageWebhooks, workspace, deployment))
        {
            throw new ApiException(RequestErrors.PermissionDenied, deployment is null
                ? $"Your roles do not permit webhooks for the whole Workspace {workspace}. Name one Deployment in 'deploymentId', or ask "
                    + "an owner."
                : $"Your roles do not permit webhooks for the Deployment {deployment}. Ask an owner of the Workspace.");
        }
        if (await db.Webhooks.CountAsync(row => row.WorkspaceId == workspace, cancellationToken) is var count
            && count >= options.Value.MaxPerWorkspace)
        {
            throw new ApiException(WebhookErrors.LimitReached,
                $"The Workspace has {count} webhooks, and it may have at most {options.Value.MaxPerWorkspace}. "
                + "Delete one, or let an operator raise Webhooks:MaxPerWorkspace.");
        }
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
        events.Record(EventTypes.WebhookCreated, subject.Profile, row.Scope(), row.Target(),
            ("host", new Uri(url).Authority), ("eventTypes", string.Join(' ', types)), ("format", format.ToString().ToUpperInvariant()));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return (row, secret);
    }

    /// <summary>The format by its name in the API. Default: the standard format.</summary>
    /// <exception cref="ApiException">400: an unknown name.</exception>
    public static WebhookFormat ReadFormat(string? name) =>
        TextLimit.OneOf(name, "format", "STANDARD", "STANDARD", "SLACK") == "SLACK" ? WebhookFormat.Slack : WebhookFormat.Standard;

    private async Task<WorkspaceId> FindWorkspaceAsync(Subject subject, string text, CancellationToken cancellationToken)
    {
        var id = new WorkspaceId(text);
        var exists = await db.Workspaces.AnyAsync(row => row.Id == id && row.OrganizationId == subject.Organization, cancellationToken);
        return exists && subject.Touches(Permission.ReadWorkspace, id) ? id : throw ApiException.NotFound("Workspace", text);
    }

    private async Task<DeploymentId> FindDeploymentAsync(Subject subject, WorkspaceId workspace, string text,
        CancellationToken cancellationToken)
    {
        var id = new DeploymentId(text);
        var exists = await db.Deployments.AnyAsync(row => row.Id == id && row.WorkspaceId == workspace && row.DeletedAt == null,
            cancellationToken);
        return exists && subject.Touches(Permission.ReadDeployment, workspace, id) ? id : throw ApiException.NotFound("Deployment", text);
    }
}
