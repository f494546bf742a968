using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>What a state folder holds beside its links: how to report it and how to undo it.</summary>
internal sealed record StateRecord
{
    public required long Epoch { get; init; }

    public required long Revision { get; init; }

    public required IReadOnlyList<DesiredMount> Mounts { get; init; }

    /// <summary>Folders below the root that were made for mounts; they go when they are empty.</summary>
    public required IReadOnlyList<string> MadeFolders { get; init; }
}
