namespace Updraft.Agent;

/// <summary>How the agent looks at the files of a tree on disk.</summary>
internal enum Inspection
{
    /// <summary>Only kind, size and mode. The start uses it, so that the agent reports early.</summary>
    Metadata,

    /// <summary>It also reads the files that changed since they were verified; see <see cref="VerifiedFiles"/>.</summary>
    Changed,

    /// <summary>It reads each file.</summary>
    Content,
}
