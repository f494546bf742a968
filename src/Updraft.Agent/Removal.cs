namespace Updraft.Agent;

/// <summary>
/// Removes trees, states and leftovers. Another user or an open file of a network file system can prevent that. Then the directory stays,
/// the log names it once, and the agent goes on.
/// </summary>
internal sealed class Removal(AgentRoot root, AgentLog log)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    /// <summary>Removes leftovers of an agent that was killed: temporary files, and incomplete trees and states.</summary>
    public void Sweep()
    {
        foreach (var directory in new[] { root.Own, root.Trees, root.PrebuiltTrees, root.Manifests, root.States })
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(directory)
                .Where(entry => entry.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal) || IsPartial(entry)))
            {
                if (TryRemove(entry))
                    log.Information("leftover_removed", ("path", entry));
            }
        }
    }

    /// <summary>Renames a directory before its deletion, so that a partly deleted tree has no final name.</summary>
    /// <returns>False if the directory or a part of it stays.</returns>
    public bool Discard(string directory)
    {
        if (IsPartial(directory))
            return TryRemove(directory);
        var work = Path.Join(Path.GetDirectoryName(directory), Path.GetRandomFileName() + AgentRoot.PartialSuffix);
        try
        {
            Posix.Rename(directory, work);
        }
        catch (IOException exception)
        {
            Report(directory, exception);
            return false;
        }
        return TryRemove(work);
    }

    /// <summary>Removes a file, a symbolic link (but not its target), or a directory with its content.</summary>
    /// <returns>False if it stays. The log has the reason.</returns>
    public bool TryRemove(string path)
    {
        try
        {
            Remove(path);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Report(path, exception);
            return false;
        }
    }

    /// <summary>Removes a file, a symbolic link (but not its target), or a directory with its content.</summary>
    /// <exception cref="IOException">A part of it stays.</exception>
    /// <exception cref="UnauthorizedAccessException">A part of it stays, because another user owns it.</exception>
    public static void Remove(string path)
    {
        if (new FileInfo(path).LinkTarget is not null || !Directory.Exists(path))
        {
            File.Delete(path);
            return;
        }
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The content of an unreadable directory cannot be deleted, so the agent's directories become readable before a second attempt.
            GrantAccess(path);
            Directory.Delete(path, recursive: true);
        }
    }

    private static void GrantAccess(string directory)
    {
        if (FileStatus.Find(directory)?.Owner == Posix.EffectiveUser)
            File.SetUnixFileMode(directory, AgentRoot.DirectoryMode);
        foreach (var inner in new DirectoryInfo(directory).EnumerateDirectories("*", new EnumerationOptions { IgnoreInaccessible = true })
            .Where(inner => inner.LinkTarget is null))
            GrantAccess(inner.FullName);
    }

    private void Report(string path, Exception exception)
    {
        lock (_gate)
        {
            if (!_reported.Add(path))
                return;
        }
        var foreign = FindForeign(path);
        log.Warning("removal_failed", ("path", path), ("reason", ErrorReason.Of(exception)), ("foreign", foreign?.Path),
            ("owner", foreign is null ? null : (object)(long)foreign.Value.Owner),
            ("consequence", foreign is null ? "The directory stays. The agent tries again later."
                : $"The directory stays and uses space. Remove it as the user {foreign.Value.Owner}. Let no other user write to trees."));
    }

    /// <summary>First entry at or below a path that another user owns; null for none.</summary>
    private static (string Path, uint Owner)? FindForeign(string path)
    {
        var own = Posix.EffectiveUser;
        var below = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.None,
        };
        try
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(path, "*", below).Prepend(path))
            {
                if (FileStatus.Find(entry) is { } status && status.Owner != own)
                    return (entry, status.Owner);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The log line then lacks the owner.
        }
        return null;
    }

    private static bool IsPartial(string path) => path.EndsWith(AgentRoot.PartialSuffix, StringComparison.Ordinal);
}
