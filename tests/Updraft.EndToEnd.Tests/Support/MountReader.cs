using System.Runtime.InteropServices;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Reads a mount repeatedly, as Airflow does: resolve the directory once, walk it, and read every file. All files of one tree contain the
/// same stamp, so the reader detects a missing file, a partial tree and a mixture of trees.
/// </summary>
internal sealed class MountReader(int filesPerTree)
{
    private const int BufferSize = 4096;

    /// <summary>Reads until <paramref name="end"/> is canceled or a fault occurs.</summary>
    /// <param name="resolve">Returns the directories of one pass, with the link resolved once.</param>
    /// <param name="isValid">Whether these stamps were deployed together.</param>
    /// <param name="end">Stops the reader.</param>
    /// <returns>The number of passes, and the first fault.</returns>
    public Task<(int Passes, string? Fault)> RunAsync(
        Func<string[]> resolve, Func<string[], bool> isValid, CancellationToken end) => Task.Run(() =>
    {
        var passes = 0;
        while (!end.IsCancellationRequested)
        {
            try
            {
                var folders = resolve();
                var stamps = folders.Select(ReadStamp).ToArray();
                if (!isValid(stamps))
                    return (passes, $"The stamps {string.Join(" and ", stamps)} were never deployed together.");
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                return (passes, exception.Message);
            }
            passes++;
        }
        return (passes, (string?)null);
    }, CancellationToken.None);

    /// <summary>The path without symbolic links, as <c>realpath(3)</c> returns it.</summary>
    public static string Resolve(string path)
    {
        var buffer = new byte[BufferSize];
        if (NativeRealPath(System.Text.Encoding.UTF8.GetBytes(path + '\0'), buffer) == 0)
            throw new IOException($"realpath({path}) failed.");
        return System.Text.Encoding.UTF8.GetString(buffer, 0, Array.IndexOf(buffer, (byte)0));
    }

    private string ReadStamp(string folder)
    {
        string? stamp = null;
        var files = 0;
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var text = File.ReadAllText(path);
            stamp ??= text;
            files++;
            if (text != stamp)
                throw new InvalidDataException($"{path} contains {text}; other files of the same tree contain {stamp}.");
        }
        return files == filesPerTree ? stamp! : throw new InvalidDataException($"{folder} has {files} of {filesPerTree} files");
    }

    [DllImport("libc", EntryPoint = "realpath")]
    private static extern nint NativeRealPath(byte[] path, byte[] resolved);
}
