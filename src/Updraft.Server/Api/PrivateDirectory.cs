namespace Updraft.Server.Api;

/// <summary>
/// Keeps the files of the server from other local users. New directories have the mode 0700, and new files 0600. Existing ones lose the
/// permissions of other users; the permissions of their group stay, because a backup may need them.
/// </summary>
internal static class PrivateDirectory
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Creates a directory and its missing parents, and returns its path.</summary>
    public static string Create(string path)
    {
        if (!Directory.Exists(path))
            return Directory.CreateDirectory(path, Owner).FullName;
        Restrict(path);
        return path;
    }

    /// <summary>Creates an empty file, unless it exists.</summary>
    public static void CreateFile(string path)
    {
        if (File.Exists(path))
        {
            Restrict(path);
            return;
        }
        new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }).Dispose();
    }

    private static void Restrict(string path)
    {
        try
        {
            var mode = File.GetUnixFileMode(path);
            // A directory with the sticky bit, such as /tmp, belongs to all users.
            if ((mode & Others) != UnixFileMode.None && (mode & UnixFileMode.StickyBit) == UnixFileMode.None)
                File.SetUnixFileMode(path, mode & ~Others);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // The file belongs to another user or lies on a read-only disk. The operator decides about its mode.
        }
    }
}
