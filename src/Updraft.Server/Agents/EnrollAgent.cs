using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Agents;

/// <summary>
/// Enrolls a process as an agent of a Deployment. The same instance id returns the same agent, so a restart or a lost response creates no
/// second one. Also deletes agents without heartbeats for <see cref="AgentOptions.RememberFor"/>.
/// </summary>
/// <exception cref="ApiException">400: a field is empty, too long or not an id. 404: the Deployment was deleted. 409: the
/// Deployment has too many agents.</exception>
internal sealed class EnrollAgent(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock, EventLog events)
{
    private const int MaxHost = 255, MaxComponent = 100, MaxVersion = 100, MaxDriver = 50;

    public async Task<Agent> RunAsync(Subject subject, DeploymentId deployment, EnrollRequest request, CancellationToken cancellationToken)
    {
        if (!EntityId.IsValid(request.InstanceId))
            throw ApiException.BadRequest("'instanceId' must be 25 characters: 'c', then 24 characters of a-z and 0-9.");
        Check("host", request.Host, MaxHost);
        Check("component", request.Component, MaxComponent);
        Check("agentVersion", request.AgentVersion, MaxVersion);
        if (request.ImageDriver is { } driver)
            Check("imageDriver", driver, MaxDriver);

        var now = clock.GetUtcNow();
        var forgottenBefore = now - options.Value.RememberFor;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var target = await db.LockDeploymentAsync(deployment, cancellationToken);
        var agent = await db.Agents.SingleOrDefaultAsync(
            row => row.DeploymentId == deployment && row.InstanceId == request.InstanceId, cancellationToken);
        var isChanged = agent is null
            || (agent.Host, agent.Component, agent.ImageDriver) != (request.Host, request.Component, request.ImageDriver);
        if (agent is null)
        {
            await RejectTooManyAsync(deployment, forgottenBefore, cancellationToken);
            agent = new Agent
            {
                Id = new AgentId(EntityId.New(clock)),
                DeploymentId = deployment,
                InstanceId = request.InstanceId,
                Host = request.Host,
                Component = request.Component,
                AgentVersion = request.AgentVersion,
                EnrolledAt = now,
                LastSeenAt = now,
            };
            db.Agents.Add(agent);
        }
        (agent.Host, agent.Component, agent.AgentVersion, agent.LastSeenAt) =
            (request.Host, request.Component, request.AgentVersion, now);
        agent.ImageDriver = request.ImageDriver;
        // Without a driver, the agent reports no image, so the stored one would become stale.
        agent.Image = request.ImageDriver is null ? null : agent.Image;
        if (isChanged)
        {
            events.Record(EventTypes.AgentEnrolled, subject.Profile, target.Scope(),
                new("agent", agent.Id.Value, $"{agent.Component} on {agent.Host}"), ("deploymentName", target.Name),
                ("agentVersion", agent.AgentVersion), ("imageDriver", agent.ImageDriver));
        }
        await db.SaveChangesAsync(cancellationToken);
        await db.Agents.Where(row => row.DeploymentId == deployment && row.LastSeenAt < forgottenBefore)
            .ExecuteDeleteAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return agent;
    }

    private async Task RejectTooManyAsync(DeploymentId deployment, DateTimeOffset forgottenBefore, CancellationToken cancellationToken)
    {
        var max = options.Value.MaxPerDeployment;
        var count = await db.Agents.CountAsync(row => row.DeploymentId == deployment && row.LastSeenAt >= forgottenBefore,
            cancellationToken);
        if (count >= max)
        {
            throw new ApiException(AgentErrors.TooManyAgents, $"The Deployment already has {max} agents (Agents:MaxPerDeployment). "
                + "Stop agents that are not needed, or raise the setting.");
        }
    }

    private static void Check(string field, string value, int max)
    {
        if (string.IsNullOrWhiteSpace(value) || value.Length > max || value.Any(char.IsControl))
            throw ApiException.BadRequest($"'{field}' must have 1 to {max} characters, none of them a control character.");
    }
}
