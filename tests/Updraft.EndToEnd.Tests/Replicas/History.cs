using System.Collections.Concurrent;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>A finalize or rollback as the client observed it. Times are of one clock and have no unit.</summary>
/// <param name="Id">Name that the client chose; the deploy carries it.</param>
/// <param name="Began">Time before the client sent the request.</param>
/// <param name="Responded">
/// Time after the acknowledgement; null without one. A change without an acknowledgement may take effect at any later time, or never.
/// </param>
internal sealed record Change(string Id, long Began, long? Responded)
{
    /// <summary>The deploy of the change; null if no response named it.</summary>
    public string? Deploy { get; init; }

    /// <summary>Version that a finalize names; null for a rollback.</summary>
    public string? Content { get; init; }

    /// <summary>The target deploy of a rollback; null for a finalize.</summary>
    public string? RollbackOf { get; init; }
}

/// <summary>A response that shows a part of the state.</summary>
/// <param name="Began">Time before the client sent the request.</param>
/// <param name="Responded">Time after the client received the response.</param>
internal sealed record Observation(long Began, long Responded)
{
    /// <summary>Whether the response shows the desired version, <see cref="Content"/>.</summary>
    public bool ShowsContent { get; init; }

    /// <summary>The desired version; null for none.</summary>
    public string? Content { get; init; }

    /// <summary>Deploys with the status deployed in the response.</summary>
    public IReadOnlyCollection<string> Deployed { get; init; } = [];

    /// <summary>Deploys that the response shows as not deployed yet.</summary>
    public IReadOnlyCollection<string> Open { get; init; } = [];
}

/// <summary>One entry of a Deployment's revision log at the end of the test.</summary>
/// <param name="Number">Number of the revision.</param>
/// <param name="Deploy">Deploy that created the revision.</param>
/// <param name="Change">The <see cref="Change.Id"/> that the deploy carries.</param>
/// <param name="Content">Desired version of the revision; null for none.</param>
/// <param name="RollbackOf">Target deploy of a rollback; null for a finalize.</param>
internal sealed record LogEntry(long Number, string Deploy, string Change, string? Content, string? RollbackOf = null);

/// <summary>All changes and observations of one Deployment. Clients add entries concurrently.</summary>
internal sealed class History
{
    public ConcurrentQueue<Change> Changes { get; } = new();

    public ConcurrentQueue<Observation> Observations { get; } = new();
}
