using System.Collections.Concurrent;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>A finalize or rollback as the client that asked for it saw it. Times are of one clock and have no unit.</summary>
/// <param name="Id">What the client called it; the deploy carries it.</param>
/// <param name="Began">Before the request was sent.</param>
/// <param name="Answered">After its acknowledgement came; null when none came, so that it happened at any later time or never.</param>
internal sealed record Change(string Id, long Began, long? Answered)
{
    /// <summary>The deploy that it made; null when nobody told.</summary>
    public string? Deploy { get; init; }

    /// <summary>Of a finalize the version that it named.</summary>
    public string? Content { get; init; }

    /// <summary>Of a rollback the deploy that it went back to.</summary>
    public string? RollbackOf { get; init; }
}

/// <summary>An answer that showed something of the state.</summary>
/// <param name="Began">Before the request was sent.</param>
/// <param name="Answered">After the answer came.</param>
internal sealed record Look(long Began, long Answered)
{
    /// <summary>Whether the answer said which version is to run: <see cref="Content"/>.</summary>
    public bool ShowsContent { get; init; }

    /// <summary>The version that is to run; null for none.</summary>
    public string? Content { get; init; }

    /// <summary>Deploys that it showed as deployed.</summary>
    public IReadOnlyCollection<string> Deployed { get; init; } = [];

    /// <summary>Deploys that it showed as not deployed yet.</summary>
    public IReadOnlyCollection<string> Open { get; init; } = [];
}

/// <summary>One entry of a Deployment's revision log, as it is in the end.</summary>
/// <param name="Number">The revision.</param>
/// <param name="Deploy">The deploy that made it.</param>
/// <param name="Change">The <see cref="Change.Id"/> that the deploy carries.</param>
/// <param name="Content">The version that runs with it.</param>
/// <param name="RollbackOf">The deploy that it goes back to; null for a finalize.</param>
internal sealed record LogEntry(long Number, string Deploy, string Change, string? Content, string? RollbackOf = null);

/// <summary>Everything that was done to one Deployment. Clients add to it at the same time.</summary>
internal sealed class History
{
    public ConcurrentQueue<Change> Changes { get; } = new();

    public ConcurrentQueue<Look> Looks { get; } = new();
}
