using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A page of a Deployment's log, newest first.</summary>
public sealed record DeploymentLogResponse
{
    /// <summary>Largest number of entries on a page, from the request. Default: 500, maximum: 10,000.</summary>
    [Range(1, int.MaxValue)]
    public required int Limit { get; init; }

    /// <summary>Largest number of entries on all pages, from the request. Default and maximum: 10,000.</summary>
    [Range(0, int.MaxValue)]
    public required int MaxNumResults { get; init; }

    /// <summary>Number of entries before this page, from the request. Default: 0.</summary>
    [Range(0, int.MaxValue)]
    public required int Offset { get; init; }

    /// <summary>Number of entries on this page.</summary>
    [Range(0, int.MaxValue)]
    public required int ResultCount { get; init; }

    /// <summary>Entries on this page, newest first.</summary>
    public required IReadOnlyList<DeploymentLogEntryResponse> Results { get; init; }

    /// <summary>Value to send as <c>searchId</c> for later pages, so that all pages cover one time span.</summary>
    public required string SearchId { get; init; }
}

/// <summary>An entry of a Deployment's log: an action of Updraft or an agent.</summary>
public sealed record DeploymentLogEntryResponse
{
    /// <summary>Time and text of the entry, for users.</summary>
    public required string Raw { get; init; }

    /// <summary>Component of the agent, or <c>scheduler</c> for entries without such a component.</summary>
    [AllowedValues("scheduler", "triggerer", "worker", "webserver", "dag-processor", "apiserver")]
    public required string Source { get; init; }

    /// <summary>Time of the entry, in milliseconds since 1970-01-01 UTC.</summary>
    public required long Timestamp { get; init; }
}
