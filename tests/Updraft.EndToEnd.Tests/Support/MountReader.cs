using System.Runtime.InteropServices;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Reads what an agent mounts, over and over, as Airflow does: resolve the folder once, walk it, read every file. Every file of one tree
/// says the same stamp, so that a missing, partial or mixed tree shows.
/// </summary>
internal sealed class MountReader(int filesPerTree)
{
    private const int BufferSize = 4096;

    /// <summary>Looks until told to end.</summary>
    /// <param name="resolve">Gives the folders of one pass, the link resolved once.</param>
    /// <param name="isValid">Whether the stamps of those folders may stand together.</param>
    /// <param name="end">When to stop.</param>
    /// <returns>How many passes there were, and the first thing that was wrong.</returns>
    public Task<(int Passes, string? Fault)> RunAsync(Func<string[]> resolve, Func<string[], bool> isValid, CancellationToken end) => Task.Run(() =>
    {
        var passes = 0;
        while (!end.IsCancellationRequested)
        {
            try
            {
                var folders = resolve();
                var stamps = folders.Select(ReadStamp).ToArray();
                if (!isValid(stamps))
                    return (passes, $"the stamps {string.Join(" and ", stamps)} were never deployed together");
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                return (passes, exception.Message);
            }
            passes++;
        }
        return (passes, (string?)null);
    }, CancellationToken.None);

    /// <summary>The path without any link in it, as <c>realpath(3)</c> has it.</summary>
    public static string Resolve(string path)
    {
        var buffer = new byte[BufferSize];
        if (NativeRealPath(System.Text.Encoding.UTF8.GetBytes(path + '\0'), buffer) == 0)
            throw new IOException($"realpath of {path} failed");
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
                throw new InvalidDataException($"{path} says {text}, others of the same tree say {stamp}");
        }
        return files == filesPerTree ? stamp! : throw new InvalidDataException($"{folder} has {files} of {filesPerTree} files");
    }

    [DllImport("libc", EntryPoint = "realpath")]
    private static extern nint NativeRealPath(byte[] path, byte[] resolved);
}
