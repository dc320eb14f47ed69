using System.Text;
using Pachyderm.Migration.Targets;

namespace Pachyderm.Migration.Engine;

/// <summary>Records that an undo discards, one a line: key in base64, what happened to it, value in base64.</summary>
internal static class LaterWriteFile
{
    public static Task WriteAsync(string path, IReadOnlyList<LaterWrite> writes, CancellationToken cancellationToken)
    {
        StringBuilder text = new();
        foreach (LaterWrite write in writes)
        {
            text.Append(Convert.ToBase64String(write.Key.Span)).Append('\t').Append(write.What).Append('\t')
                .Append(Convert.ToBase64String(write.Value.Span)).Append('\n');
        }

        return DurableFile.WriteAsync(path, Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
    }

    public static async Task<IReadOnlyList<LaterWrite>> ReadAsync(string path, CancellationToken cancellationToken) =>
        [.. (await File.ReadAllLinesAsync(path, cancellationToken)).Select(line =>
        {
            string[] parts = line.Split('\t');
            return new LaterWrite(Convert.FromBase64String(parts[0]), parts[1], Convert.FromBase64String(parts[2]));
        })];
}
