using System.Globalization;
using System.Text;

namespace Updraft.Bench;

/// <summary>Airflow projects for deploys; each run creates the same files.</summary>
internal static class Project
{
    public const int Files = 5000;
    private static readonly string[] Words =
    [
        "extract", "transform", "load", "orders", "customers", "daily", "hourly", "warehouse", "table", "partition", "schema", "task",
        "retry", "upstream", "downstream", "sensor", "interval", "context", "bucket", "prefix", "cursor", "connection", "payload",
        "metrics", "report",
    ];

    /// <summary>
    /// Writes <see cref="Files"/> files below <c>FOLDER/dags</c>, fifty in each directory, with this number of bytes on average. The files
    /// are source text with noise, so that they compress to a quarter, as real source text does.
    /// </summary>
    public static void Write(string folder, int averageBytes)
    {
        var random = new Random(1);
        for (var i = 0; i < Files; i++)
        {
            var path = Path.Join(folder, PathOf(i));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, Text(i, random, averageBytes / 2 + random.Next(averageBytes)));
        }
    }

    /// <summary>Path of a file relative to the directory of the project.</summary>
    public static string PathOf(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"dags/team_{number / 50:000}/pipeline_{number:00000}.py");

    /// <summary>Changes one file.</summary>
    public static void Change(string folder, int round) => File.WriteAllText(
        Path.Join(folder, PathOf(2345)),
        string.Create(CultureInfo.InvariantCulture, $"ROUND = {round}\n{Text(2345, new Random(2), 1500)}"));

    private static string Text(int number, Random random, int bytes)
    {
        var text = new StringBuilder(bytes + 200);
        text.Append(CultureInfo.InvariantCulture, $"\"\"\"Pipeline {number}.\"\"\"\nfrom airflow.sdk import dag, task\n\n");
        while (text.Length < bytes)
        {
            var (verb, noun) = (Words[random.Next(Words.Length)], Words[random.Next(Words.Length)]);
            text.Append(CultureInfo.InvariantCulture,
                $"\n@task(retries={random.Next(9)})\ndef {verb}_{noun}_{random.Next(100_000)}(context):\n");
            for (var line = random.Next(1, 6); line > 0; line--)
            {
                var (target, key) = (Words[random.Next(Words.Length)], Words[random.Next(Words.Length)]);
                text.Append(CultureInfo.InvariantCulture,
                    $"    {target} = context[\"{key}_{random.NextInt64(0xffffff):x}\"].{verb}({random.Next(1000)})\n");
            }
        }
        return text.ToString();
    }
}
