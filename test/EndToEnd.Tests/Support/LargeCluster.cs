using System.Globalization;
using System.Text;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>A cluster of 1.4 of any size, made up of commits and jobs that look like genuine ones.</summary>
public static class LargeCluster
{
    private const int CommitsPerRepo = 10_000;
    private const string Tree = "1ad3a32034133980fecb3452d0ddb7da184cbe5f990ad6f44ad1ba3f01cef0cb10c8d8736dca9a918387778e3d202e4de9181f17cdd5b165a03b12231ca86065";

    /// <summary>Writes its snapshot.</summary>
    /// <param name="path">The file; it must not exist.</param>
    /// <param name="records">About how many records.</param>
    public static async Task WriteAsync(string path, int records)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, null, cancellationToken);
        long revision = 1;
        Put("pachyderm_pps/pipelines/edges", $"id:\"{Id(7)}\" pipeline:<name:\"edges\" > version:1 transform:<image:\"a\" cmd:\"sh\" > state:PIPELINE_RUNNING outputBranch:\"master\" input:<atom:<name:\"repo-0\" repo:\"repo-0\" branch:\"master\" glob:\"/*\" > > ");
        for (int number = 0; revision < records; number++)
        {
            string repo = string.Create(CultureInfo.InvariantCulture, $"repo-{number / CommitsPerRepo}");
            string id = Id(number);
            if (number % CommitsPerRepo == 0)
            {
                Put($"pachyderm_pfs/repos/{repo}", $"repo:<name:\"{repo}\" > created:<seconds:1795382542 nanos:137946292 > ");
                Put($"pachyderm_pfs/repoRefCounts/{repo}", "0");
            }

            string parent = number % CommitsPerRepo == 0 ? "" : $"parent_commit:<repo:<name:\"{repo}\" > id:\"{Id(number - 1)}\" > ";
            Put(
                $"pachyderm_pfs/commits/{repo}/{id}",
                $"commit:<repo:<name:\"{repo}\" > id:\"{id}\" > {parent}started:<seconds:1795382544 nanos:772995635 > finished:<seconds:1795382545 nanos:869135420 > size_bytes:3034 tree:<hash:\"{Tree}\" > ");
            Put(
                $"pachyderm_pps/jobs/{id}",
                $"job:<id:\"{id}\" > transform:<image:\"a\" cmd:\"sh\" > pipeline_id:\"{Id(7)}\" pipeline:<name:\"edges\" > pipeline_version:1 output_commit:<repo:<name:\"{repo}\" > id:\"{id}\" > state:JOB_SUCCESS stopped:true outputRepo:<name:\"{repo}\" > outputBranch:\"master\" data_processed:1 data_total:1 input:<atom:<name:\"images\" repo:\"{repo}\" branch:\"master\" commit:\"{id}\" glob:\"/\" > > ");
            Put($"pachyderm_pps/jobs__index_{{Pipeline %!s(bool=false)}}/name:\"edges\" /{id}", id);
            Put($"pachyderm_pps/jobs__index_{{Stopped %!s(bool=false)}}/%!s(bool=true)/{id}", id);
        }

        await writer.CompleteAsync(revision, cancellationToken);

        void Put(string key, string value)
        {
            revision++;
            writer.Add(revision, 0, new StoredRecord(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), revision, revision, 1, 0));
        }
    }

    private static string Id(int number) => number.ToString("x32", CultureInfo.InvariantCulture);
}
