#include <stdlib.h>
#include <unistd.h>
int main(void) {
  for (int i = 0; i < 7; i++) free(malloc(40));
  for (int i = 0; i < 3; i++) free(calloc(4, 10));
  void *p = realloc(0, 10); p = realloc(p, 4000); free(p);
  if (posix_memalign(&p, 64, 100) == 0) free(p);
  free(aligned_alloc(64, 128));
  for (int i = 0; i < 5; i++) getppid();
  return 0;
}
