/* The program in the packed samples beside this file; math only to need a second library. */
#include <math.h>
#include <stdio.h>

int state[3] = {0x1234, 0x5678, 0x9abc};

int main(int argc, char **argv) {
    printf("%s %f %d\n", argv[0], sin(argc), state[argc % 3]);
    return 0;
}
