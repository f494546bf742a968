using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>One Airflow environment: its settings, and the counters that order its history.</summary>
internal sealed class Deployment
{
    public required DeploymentId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    public required WorkspaceId WorkspaceId { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>A unique lower-case name that is legal in an image path. The astro CLI tags its local image with it.</summary>
    public required string Namespace { get; init; }

    public bool IsDagDeployEnabled { get; set; }

    /// <summary>Whether only API tokens may deploy, not users.</summary>
    public bool IsCicdEnforced { get; set; }

    /// <summary>Runtime of the image of the newest revision; before the first image, the value from creation, or empty.</summary>
    public string RuntimeVersion { get; set; } = "";

    /// <summary>Airflow version of the image of the newest revision; empty if unknown.</summary>
    public string AirflowVersion { get; set; } = "";

    /// <summary>Fields that the API stores and returns, most of which Updraft does not use.</summary>
    public DeploymentSettings Settings { get; set; } = new();

    /// <summary>Number of the newest revision; 0 before the first finalize.</summary>
    public long Revision { get; private set; }

    /// <summary>Number of all deploys. Deploys are never deleted, so this is the length of the history.</summary>
    public long DeployCount { get; private set; }

    /// <summary>UTC ticks of the newest bundle version. The next version is later, even if the clock was set back.</summary>
    public long LastVersionTicks { get; private set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    /// <summary>Null while the Deployment is live. Requests for a deleted Deployment return 404; its rows stay.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>Takes the next number of the deploy history. Call it inside a write transaction.</summary>
    public long NextDeployNumber() => ++DeployCount;

    /// <summary>Takes the next revision number. Call it inside a write transaction.</summary>
    public long NextRevision() => ++Revision;

    /// <summary>
    /// The next bundle version: a time in the form <c>2024-01-12T18:32:20.5898930Z</c>, later than all versions before. Call it inside a
    /// write transaction.
    /// </summary>
    public string NextVersion(DateTimeOffset now)
    {
        LastVersionTicks = Math.Max(now.UtcTicks, LastVersionTicks + 1);
        return new DateTime(LastVersionTicks, DateTimeKind.Utc).ToString("o", System.Globalization.CultureInfo.InvariantCulture);
    }
}
