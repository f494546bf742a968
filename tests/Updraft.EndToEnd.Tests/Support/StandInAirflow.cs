using System.Diagnostics;
using System.Globalization;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Stands in for Airflow: a background process with the image in its environment, and a command that restarts this process, as an
/// operator would write it.
/// </summary>
internal sealed class StandInAirflow : IDisposable
{
    private const string Script = """
        set -e
        cd "$(dirname "$0")"
        echo "stopping the old process"
        if [ -e pid ]; then kill "$(cat pid)" || true; rm pid; fi
        if grep -qx "$UPDRAFT_IMAGE" fails; then echo "exec format error" >&2; exit 7; fi
        if grep -qx "$UPDRAFT_IMAGE" hangs; then echo "waiting for the database"; echo $$ > hanging; sleep 10000; fi
        AIRFLOW_IMAGE="$UPDRAFT_IMAGE" nohup sleep 100000 > /dev/null 2>&1 < /dev/null &
        echo $! > pid.new
        mv pid.new pid
        echo "started $UPDRAFT_IMAGE"
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-service-").FullName;

    public StandInAirflow()
    {
        File.WriteAllText(At("roll-out"), Script.ReplaceLineEndings("\n"));
        File.WriteAllText(At("fails"), "");
        File.WriteAllText(At("hangs"), "");
    }

    /// <summary>Value for <c>--image-command</c>.</summary>
    public string Command => $"sh {At("roll-out")}";

    /// <summary>Id of the running process; null for none.</summary>
    public int? ProcessId => Read("pid");

    /// <summary>Image in the environment of the running process; null for none.</summary>
    public string? Image
    {
        get
        {
            try
            {
                return ProcessId is { } id && IsAlive(id) ? File.ReadAllText($"/proc/{id}/environ").Split('\0')
                        .FirstOrDefault(entry => entry.StartsWith("AIRFLOW_IMAGE=", StringComparison.Ordinal))?["AIRFLOW_IMAGE=".Length..]
                    : null;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <summary>Whether a roll-out command hangs at the moment.</summary>
    public bool IsHanging => Read("hanging") is { } id && IsAlive(id);

    public void FailWith(string image) => File.AppendAllText(At("fails"), image + "\n");

    public void HangWith(string image) => File.AppendAllText(At("hangs"), image + "\n");

    public static bool IsAlive(int process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (ProcessId is { } id && Image is not null)
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private int? Read(string file) => File.Exists(At(file)) ? int.Parse(File.ReadAllText(At(file)), CultureInfo.InvariantCulture) : null;

    private string At(string name) => Path.Join(_folder, name);
}
