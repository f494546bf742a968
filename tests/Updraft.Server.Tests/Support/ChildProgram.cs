using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Updraft.Server.Tests.Support;

/// <summary>
/// This test program as a separate child process, for tests that affect a whole process, such as failing system calls. With
/// <c>UPDRAFT_TEST_CHILD</c> in its environment, the process runs one task and exits.
/// </summary>
internal static class ChildProgram
{
    public const int Done = 0, FailedAsReported = 3;

    private const string Task = "UPDRAFT_TEST_CHILD", Place = "UPDRAFT_TEST_CHILD_PATH";

    /// <summary>Runs one task under <c>strace</c>.</summary>
    /// <param name="task">Name of the task.</param>
    /// <param name="path">File or directory of the task.</param>
    /// <param name="strace">Expression of strace for the system call, e.g. <c>inject=fsync:error=EIO</c>.</param>
    public static async Task<(int Code, string Error, string Trace)> RunTracedAsync(string task, string path, string call,
        params string[] strace)
    {
        var trace = Path.GetTempFileName();
        try
        {
            string[] arguments = ["-f", "-qq", "-o", trace, "-e", $"trace={call}",
                .. strace.SelectMany(expression => (string[])["-e", expression]),
                Path.Join(AppContext.BaseDirectory, "Updraft.Server.Tests")];
            var start = new ProcessStartInfo("strace", arguments)
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                UseShellExecute = false,
            };
            (start.Environment[Task], start.Environment[Place]) = (task, path);
            start.Environment["DOTNET_EnableDiagnostics"] = "0";
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await output;
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, error, await File.ReadAllTextAsync(trace, TestContext.Current.CancellationToken));
        }
        finally
        {
            File.Delete(trace);
        }
    }

    [ModuleInitializer]
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Task) is not { } task || Environment.GetEnvironmentVariable(Place) is not { } path)
            return;
        try
        {
            Run(task, path);
            Environment.Exit(Done);
        }
        catch (IOException exception)
        {
            Console.Error.WriteLine(exception.Message);
            Environment.Exit(FailedAsReported);
        }
    }

    private static void Run(string task, string path)
    {
        switch (task)
        {
            case "write":
                AtomicFile.Write(path, "new"u8);
                break;
            case "fsync-folder":
                Posix.FsyncDirectory(path);
                break;
            case "sync-file-system":
                Posix.SyncFileSystem(path);
                break;
            default:
                throw new ArgumentException($"There is no task '{task}'.", nameof(task));
        }
    }
}
