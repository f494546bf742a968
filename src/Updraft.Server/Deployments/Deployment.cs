using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>One Airflow environment: what deploys change, and the counters that order its history.</summary>
internal sealed class Deployment
{
    public required DeploymentId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    public required WorkspaceId WorkspaceId { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>Lower-case name that is legal in a docker path; the CLI tags its local image with it.</summary>
    public required string Namespace { get; init; }

    public bool IsDagDeployEnabled { get; set; }

    /// <summary>Deploys only by API token, not by people.</summary>
    public bool IsCicdEnforced { get; set; }

    /// <summary>Runtime of the image that the newest revision names; empty before the first image deploy, unless given at creation.</summary>
    public string RuntimeVersion { get; set; } = "";

    /// <summary>Airflow version of that image; empty when unknown.</summary>
    public string AirflowVersion { get; set; } = "";

    /// <summary>What the API stores and gives back but Updraft does not act on.</summary>
    public DeploymentSettings Settings { get; set; } = new();

    /// <summary>Number of the newest revision; 0 before the first deploy.</summary>
    public long Revision { get; private set; }

    /// <summary>Number of deploys ever created; deploys are never deleted, so this is the length of the history.</summary>
    public long DeployCount { get; private set; }

    /// <summary>UTC ticks of the newest bundle version; the next is later, whatever the clock says.</summary>
    public long LastVersionTicks { get; private set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    /// <summary>Set when it was deleted. A deleted Deployment is a 404 for everybody; its rows stay.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>Takes the next number of the deploy history. Call inside a write transaction.</summary>
    public long NextDeployNumber() => ++DeployCount;

    /// <summary>Takes the next revision number. Call inside a write transaction.</summary>
    public long NextRevision() => ++Revision;

    /// <summary>
    /// A bundle version: the time in the form <c>2024-01-12T18:32:20.5898930Z</c>, later than every one before. Call inside a write transaction.
    /// </summary>
    public string NextVersion(DateTimeOffset now)
    {
        LastVersionTicks = Math.Max(now.UtcTicks, LastVersionTicks + 1);
        return new DateTime(LastVersionTicks, DateTimeKind.Utc).ToString("o", System.Globalization.CultureInfo.InvariantCulture);
    }
}
