using System.Text.Json.Serialization;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>Record in the directory of a state, next to its links. The agent needs it to report the state and to unmount it.</summary>
internal sealed record StateRecord
{
    public required long Epoch { get; init; }

    public required long Revision { get; init; }

    public required IReadOnlyList<DesiredMount> Mounts { get; init; }

    /// <summary>Directories below the root that the agent created for mounts. It removes them when they are empty.</summary>
    [JsonPropertyName("madeFolders")]
    public required IReadOnlyList<string> CreatedDirectories { get; init; }

    /// <summary>
    /// Latest time that the agent has given to a file up to this state, in seconds since 1970; null in records of earlier versions. See
    /// <see cref="FileTimes"/>.
    /// </summary>
    public long? LastFileTime { get; init; }
}
