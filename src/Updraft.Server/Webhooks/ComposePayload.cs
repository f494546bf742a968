using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Builds the payload of an event. It has the state of the deploy at the time of the event, even if a later event happened already.
/// </summary>
internal sealed class ComposePayload(UpdraftDbContext db, IOptions<ServerOptions> options)
{
    public async Task<WebhookPayload> RunAsync(Event happened, CancellationToken cancellationToken)
    {
        var organization = await db.Organizations.Where(row => row.Id == happened.OrganizationId).Select(row => row.Name)
            .SingleOrDefaultAsync(cancellationToken);
        var workspace = happened.WorkspaceId ?? throw new InvalidOperationException($"Event {happened.Id} belongs to no Workspace.");
        var workspaceName = await db.Workspaces.Where(row => row.Id == workspace).Select(row => row.Name)
            .SingleOrDefaultAsync(cancellationToken);
        var content = new WebhookPayloadContent
        {
            Organization = new(happened.OrganizationId.Value, organization),
            Workspace = new(workspace.Value, workspaceName),
            By = happened.By.ToResponse(),
        };
        if (happened.DeploymentId is { } deployment && happened.DeployId is { } deploy)
            content = await DescribeDeployAsync(content, happened.Type, deployment, deploy, cancellationToken);
        else
            content = content with { Message = "This is a test event of Updraft. No deploy was changed." };
        return new() { Type = happened.Type, Timestamp = happened.At, Data = content };
    }

    /// <summary>The request body in a format.</summary>
    public static string Write(WebhookPayload payload, WebhookFormat format) => format == WebhookFormat.Slack
        ? JsonSerializer.Serialize(SlackMessage.Of(payload), WebhookJson.Options)
        : JsonSerializer.Serialize(payload, WebhookJson.Options);

    private async Task<WebhookPayloadContent> DescribeDeployAsync(WebhookPayloadContent content, string type, DeploymentId deploymentId,
        DeployId id,
        CancellationToken cancellationToken)
    {
        var name = await db.Deployments.Where(row => row.Id == deploymentId).Select(row => row.Name)
            .SingleOrDefaultAsync(cancellationToken);
        content = content with { Deployment = new(deploymentId.Value, name) };
        // Deploys are never deleted. If one is missing nevertheless, an exception here would block all later events.
        if (await db.Deploys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } deploy)
            return content;
        var number = type == WebhookEvents.Created ? null : deploy.Revision;
        var revision = number is null ? null
            : await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Number == number, cancellationToken);
        var url = $"{options.Value.PublicUrl.TrimEnd('/')}/deployments/{deploymentId}";
        return content with
        {
            Deploy = new()
            {
                Id = id.Value,
                Type = deploy.Type.Name(),
                Status = StatusAt(type),
                StatusReason = type == WebhookEvents.Failed ? deploy.StatusReason : null,
                Description = deploy.Description,
                Revision = number,
                RollbackFromId = deploy.RollbackFromId?.Value,
                CreatedAt = deploy.CreatedAt,
                CreatedBy = deploy.CreatedBy.ToResponse(),
            },
            Git = deploy.Git.ToResponse(),
            Image = revision is { ImageTag.Length: > 0 } ? new(revision.ImageRepository, revision.ImageTag, revision.ImageDigest) : null,
            Versions = revision is null
                ? null : [.. revision.Mounts.Select(mount => new WebhookVersion(mount.Path, mount.MountPath, mount.Version))],
            Links = new(url, $"{url}/deploys/{id}"),
        };
    }

    private static string StatusAt(string type) => (type switch
    {
        WebhookEvents.Created => DeployStatus.Initialized,
        WebhookEvents.Failed => DeployStatus.Failed,
        _ => DeployStatus.Deployed,
    }).ToString().ToUpperInvariant();
}
